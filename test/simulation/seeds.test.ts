import { expect, it } from "vitest";
import type { Case } from "./case.ts";
import { quietCase } from "./enumerate.ts";
import { simulate } from "./simulation.ts";

/** Cases that once broke a promise, each with what was mended. */
const ONCE: readonly (readonly [mended: string, one: Case])[] = [
  [
    "[P3] reads that lag behind the mint for ten minutes: the new key was left alive, unlisted",
    {
      ...quietCase("overlap@1", "bare"),
      events: [{ at: { asks: 3 }, is: "fault", fault: { kind: "stale" }, forMs: 600_000 }],
    },
  ],
  [
    "[P2][HK-22] a secret of the same name added to an environment after the check: jobs lost their key",
    {
      ...quietCase("overlap@1", "lean"),
      events: [{ at: { recorded: 6 }, is: "act", act: "adds an environment secret" }],
    },
  ],
  [
    "[P1][P11] a database restored to before an uncertain mint: the key that the vault held by then was ended as a leftover",
    {
      ...quietCase("overlap@1", "bare", 20_598),
      events: [
        { at: { asks: 12 }, is: "fault", fault: { kind: "html", status: 502 }, forMs: 1_800_000 },
        { at: { recorded: 11 }, is: "restore", entries: 4 },
      ],
    },
  ],
  [
    "[P2] an end that was put off by a rate limit, 50 s at a time: it left on a look at the copies from 200 s before",
    {
      ...quietCase("overlap@1", "bare"),
      events: [
        {
          at: { asks: 30 },
          is: "fault",
          fault: { kind: "status", status: 429, retryAfter: 50 },
          forMs: 600_000,
        },
      ],
    },
  ],
  [
    "[P6] the repository's name given to another right before the write: the value went there",
    {
      ...quietCase("overlap@1/compromised", "lean", 6_697),
      events: [{ at: { asks: 34 }, is: "act", act: "gives the repository's name to another" }],
      skewMs: -300_000,
    },
  ],
  [
    "[P1][P2] reads of the vault that lag behind a write whose answer was lost: the rollback took them for the old value and ended the new key",
    {
      ...quietCase("supplied@1", "bare", 103_941),
      events: [
        { at: { asks: 38 }, is: "fault", fault: { kind: "stale" }, forMs: 5_000 },
        { at: { asks: 29 }, is: "fault", fault: { kind: "lost-reply" } },
      ],
      people: ["rollback"],
    },
  ],
  [
    "[P1][P2] the same in a rotation, where every read lags",
    {
      ...quietCase("overlap@1", "bare", 104_058),
      events: [{ at: { asks: 1 }, is: "fault", fault: { kind: "stale" }, forMs: 12 * 3_600_000 }],
      people: ["rollback"],
    },
  ],
  [
    "[P3] a proxy that repeated the mint of a compromised key after the run's end, which had no soak: the duplicate was left alive",
    {
      ...quietCase("overlap@1/compromised", "bare", 205_993),
      events: [{ at: { asks: 3 }, is: "fault", fault: { kind: "twice", ms: 5_000 }, forMs: 120_000 }],
    },
  ],
  [
    "[P1][P2][HK-23] a job that was queued while the new key stood there: the rollback ended the key that it held",
    {
      ...quietCase("overlap@1/compromised", "lean", 201_769),
      events: [
        { at: { asks: 41 }, is: "act", act: "queues a job" },
        { at: { asks: 39 }, is: "fault", fault: { kind: "status", status: 409 } },
      ],
      people: ["rollback"],
    },
  ],
  [
    "[P2][P11] a database restored to before a secret was written that nobody can read: a rollback did not write it again",
    {
      ...quietCase("overlap@1", "lean", 31_260),
      events: [
        { at: { asks: 46 }, is: "fault", fault: { kind: "status", status: 422 } },
        { at: { recorded: 11 }, is: "restore", entries: 6 },
      ],
      people: ["rollback", "retry"],
    },
  ],
  [
    "[P1][P2] reads of the vault that lag behind by a quarter of an hour: a follow-up took the living key for a duplicate",
    {
      ...quietCase("overlap@1/compromised", "bare"),
      events: [{ at: { asks: 39 }, is: "fault", fault: { kind: "stale", lagMs: 900_000 }, forMs: 600_000 }],
    },
  ],
  [
    "[P2][HK-22] environments that GitHub showed at the start and denied before the end: what one held by then was not seen",
    {
      ...quietCase("overlap@1", "lean", 85_536),
      events: [
        { at: { recorded: 17 }, is: "act", act: "adds an environment secret" },
        { at: { asks: 89 }, is: "fault", fault: { kind: "status", status: 404 } },
      ],
    },
  ],
  [
    "[P1][P11] a database restored to before a rollback: the key that it had ended was written to the vault",
    {
      ...quietCase("overlap@1", "bare", 80_916),
      events: [
        { at: { asks: 15 }, is: "fault", fault: { kind: "status", status: 422 } },
        { at: { recorded: 17 }, is: "restore", entries: 9 },
      ],
      people: ["rollback", "retry"],
    },
  ],
  [
    "[P11][X-08] change requests were asked about on the way there: on the way back the run waited for an answer to the same question for ever",
    {
      ...quietCase("overlap@1", "bare", 1),
      events: [
        { at: { asks: 2 }, is: "act", act: "wants approvals for the vault" },
        { at: { answered: 17 }, is: "act", act: "merges what waits for approval" },
        { at: { asks: 18 }, is: "act", act: "no longer wants approvals for the vault" },
        { at: { asks: 20 }, is: "act", act: "copies the old key to a new place" },
      ],
      people: ["settle", "rollback"],
    },
  ],
  [
    "[P2][DR-13] somebody's change of a by-hand place from before the task: a word said too early ended the key that it held",
    {
      ...quietCase("overlap@1/by-hand", "full", 51_350),
      events: [{ at: { recorded: 3 }, is: "act", act: "writes the repository's secret" }],
      tasks: "early",
    },
  ],
];

it.each(ONCE)("%s", async (_mended, one) => {
  expect((await simulate(one)).violations).toEqual([]);
});
