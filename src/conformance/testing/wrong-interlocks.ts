import { AsyncLocalStorage } from "node:async_hooks";
import { type AdapterDeps, done, type Interlock, outcomeOf, type Position, unknown } from "../../adapter.ts";
import type { InterlockDefinition } from "../../core/adapter.ts";
import type { InterlockCapabilities } from "../../core/interlock.ts";
import { type Case, testInterlock } from "../suites.ts";
import { type AcmeClient, acme, acmeClient } from "./acme-client.ts";
import { acmeSwitches } from "./acme-harness.ts";
import { acmeSwitch } from "./acme-interlock.ts";
import type { Wrong } from "./wrong-issuers.ts";

type Deps = AdapterDeps<AcmeClient>;

/** Runs outside of the run's step, where nobody asks whose run it is. */
const outside = AsyncLocalStorage.snapshot();

function interlock(
  change: (right: Interlock, deps: Deps) => Partial<Interlock>,
  more: Partial<InterlockDefinition<{ id: string }, AcmeClient>> = {},
): readonly Case[] {
  return testInterlock(
    {
      ...acmeSwitch,
      ...more,
      connect(config, deps) {
        const right = acmeSwitch.connect(config, deps);
        return { ...right, ...change(right, deps) };
      },
    },
    acmeSwitches,
  );
}

function claiming(capabilities: Partial<InterlockCapabilities>): readonly Case[] {
  return interlock(() => ({}), { capabilities: { ...acmeSwitch.capabilities, ...capabilities } });
}

/** A position of two values: whatever is not the one is the other. */
function twoValued(otherwise: Position): readonly Case[] {
  return interlock((right, { clock }) => ({
    async observe() {
      const seen = await right.observe();
      return seen.is === "done" ? seen : done({ at: clock.now(), is: otherwise, targetId: "switch-3" });
    },
  }));
}

/** Turns it without a look at where it stands. */
async function unlooked({ client, clock }: Deps, to: Position) {
  const turned = await client.turn(to);
  if (turned.is !== "done") return outcomeOf(turned);
  return done({
    at: clock.now(),
    found: to === "closed" ? ("open" as const) : ("closed" as const),
    wrote: true,
  });
}

/** Interlocks, each wrong in one way. */
export const WRONG_INTERLOCKS: readonly Wrong[] = [
  [
    "takes a look that failed for open",
    "observe: where nothing counts as an answer, what is closed is neither",
    twoValued("open"),
  ],
  [
    "takes a look that failed for closed, which happens to be right",
    "observe: where nothing counts as an answer, what is closed is neither",
    twoValued("closed"),
  ],
  [
    "takes what means neither for open",
    "read: what means neither is neither closed nor open",
    twoValued("open"),
  ],
  [
    "says that it found open what somebody else had closed",
    "found: tells where it stood before, also where somebody else had set it",
    interlock((right) => ({
      async close() {
        const turned = await right.close();
        return turned.is === "done" ? done({ ...turned.value, found: "open" }) : turned;
      },
    })),
  ],
  [
    "says that it found open what stood neither way",
    "found: is unknown where it stood neither way, and it closes all the same",
    interlock((right) => ({
      async close() {
        const turned = await right.close();
        if (turned.is !== "done" || turned.value.found !== "unknown") return turned;
        return done({ ...turned.value, found: "open" });
      },
    })),
  ],
  [
    "opens when it is asked to look",
    "looking changes nothing",
    interlock((right) => ({
      async observe() {
        const seen = await right.observe();
        if (seen.is === "done" && seen.value.is === "closed") await right.open();
        return seen;
      },
    })),
  ],
  [
    "opens in order to prove",
    "looking changes nothing",
    interlock((right) => ({
      async prove(position) {
        const proof = await right.prove(position);
        if (position === "closed") await right.open();
        return proof;
      },
    })),
  ],
  [
    "closes what is closed once more",
    "close, open: turned once; where it stands so already, nothing is sent",
    interlock((_, deps) => ({ close: () => unlooked(deps, "closed") })),
  ],
  [
    "sends a close again when its reply is lost",
    "close: what has an effect is sent once",
    interlock((right, { client, clock }) => ({
      async close() {
        const first = await right.close();
        if (first.is !== "unknown") return first;
        const again = await client.turn("closed");
        return again.is === "done" ? done({ at: clock.now(), found: "open", wrote: true }) : outcomeOf(again);
      },
    })),
  ],
  [
    "calls a lost close done",
    "close: without a reply nothing is claimed",
    interlock((right, { clock }) => ({
      async close() {
        const turned = await right.close();
        return turned.is === "unknown" ? done({ at: clock.now(), found: "open", wrote: true }) : turned;
      },
    })),
  ],
  [
    "calls a lost open refused",
    "open: without a reply nothing is claimed",
    interlock((right) => ({
      async open() {
        const turned = await right.open();
        return turned.is === "unknown" ? { ...turned, is: "refused" } : turned;
      },
    })),
  ],
  [
    "proves what is only stored",
    "prove: is not given while only the place holds it",
    interlock((right, { clock }) => ({
      async prove(position) {
        const seen = await right.observe();
        if (seen.is !== "done") return { is: "unknown", trouble: seen.trouble };
        if (seen.value.is !== position) return right.prove(position);
        return { is: "proved", at: clock.now(), says: `the switch stands ${position}` };
      },
    })),
  ],
  [
    "proves a turn that was only accepted",
    "prove: what the vendor only pretended to turn is not proved",
    interlock((_, { clock }) => ({
      prove: async (position) => ({ is: "proved", at: clock.now(), says: `it was turned ${position}` }),
    })),
  ],
  [
    "remembers what it turned instead of looking",
    "prove: what somebody else has set otherwise since is not proved",
    interlock((right, { clock }) => {
      const proved = new Set<Position>();
      return {
        async prove(position) {
          const proof = await right.prove(position);
          if (proof.is === "proved") proved.add(position);
          if (!proved.has(position)) return proof;
          return { is: "proved", at: clock.now(), says: "it was proved before" };
        },
      };
    }),
  ],
  [
    "takes another answer than its own for a refutation",
    "prove: where nothing counts as an answer, what is closed is not proved",
    interlock((right) => ({
      async prove(position) {
        const proof = await right.prove(position);
        return proof.is === "unknown" ? { is: "refuted", trouble: proof.trouble } : proof;
      },
    })),
  ],
  [
    "repeats what lies beside the switch in an error",
    "no value leaves: not in an outcome, a trouble, an error or a record of calls",
    interlock((right, { client }) => ({
      async close() {
        const lever = await client.lever();
        const note = lever.is === "done" ? lever.value.note.reveal() : "";
        const turned = await right.close();
        return turned.is === "unknown"
          ? unknown({ ...turned.trouble, because: `beside it lies ${note}` })
          : turned;
      },
    })),
  ],
  [
    "turns it at once again when the vendor takes no calls",
    "close: a 429 is followed",
    interlock((right) => ({
      async close() {
        const turned = await right.close();
        return turned.is === "retryable" ? right.close() : turned;
      },
    })),
  ],
  [
    "turns it whoever's run it is",
    "close: nothing is sent for a run that is somebody else's by now",
    interlock((right) => ({ close: () => outside(() => right.close()) })),
  ],
  [
    "claims to be in force at once, and takes its time",
    "effectiveWhen: what is claimed to be in force at once is seen at once",
    claiming({ effectiveWhen: "at-once" }),
  ],
  [
    "reads what it says cannot be read",
    "read: where it stands is shown, whoever set it, and nothing where it cannot be read",
    claiming({ read: false }),
  ],
  [
    "claims a proof by value of what it cannot read",
    "grade: is no stronger than what can be read",
    claiming({ read: false, grade: "value" }),
  ],
  [
    "does not say which place it looked at",
    "observe: names the place by its immutable id",
    interlock((right) => ({
      async observe() {
        const seen = await right.observe();
        return seen.is === "done" ? done({ at: seen.value.at, is: seen.value.is }) : seen;
      },
    })),
  ],
  [
    "knows no deadline",
    "close: silence ends at the deadline, and nothing is claimed",
    testInterlock(acmeSwitch, {
      ...acmeSwitches,
      endlessMs: 500,
      vendor: { ...acme, connect: (options) => acmeClient({ ...options, deadlineMs: 2_000_000 }) },
    }),
  ],
];
