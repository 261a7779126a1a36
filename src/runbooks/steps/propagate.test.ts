import { expect, it } from "vitest";
import type { Facts } from "../../core/facts.ts";
import { done } from "../../core/outcome.ts";
import { propagate } from "./propagate.ts";
import { copy, FACTS, scene } from "./testing/scene.ts";

/** When the vault was written, by our clock. */
const VAULT = "2026-11-21T08:30:00.000Z";
const EARLIER = "2026-11-21T08:20:00.000Z";
const LATER = "2026-11-21T08:40:00.000Z";

it("[DR-13] a write by hand counts once the place shows a change after the vault's, other than the run found there", async () => {
  const ci = copy("ci", { read: false, byHand: { command: [], lines: [] } });
  const { step } = propagate(ci);
  const canonical = { copy: "vault", at: VAULT, fingerprints: { token: "new" }, wrote: true };
  for (const [found, shows, counts] of [
    [EARLIER, LATER, true],
    [undefined, LATER, true],
    [EARLIER, EARLIER, false],
    [EARLIER, undefined, false],
    // The place's clock is ahead of ours, or ours was set back: not after the vault's, whatever the times say.
    [LATER, LATER, false],
  ] as const) {
    const seen = { at: LATER, present: true, ...(shows && { changedAt: shows }) };
    const { c } = scene({ stores: { ci: { observe: async () => done(seen) } } });
    const checked = { ...FACTS.checked, changed: found ? { ci: found } : {} };
    const facts = { ...FACTS, canonical, checked } as Facts;
    const by = { name: "kris", assurance: "local user" } as const;
    const said = await step.does(c, facts, { is: "done", by, at: LATER });
    expect(said).toMatchObject(
      counts ? { is: "done", value: { wrote: true } } : { trouble: { code: "ANSWER_REFUSED" } },
    );
    expect(await step.settles?.(c, facts, { choice: "settle" })).toMatchObject({
      is: counts ? "present" : "absent",
    });
  }
});

it("[DR-13] [P2] a write by hand is one since the person was asked, and none that was there by then", async () => {
  const { step } = propagate(copy("ci", { read: false, byHand: { command: [], lines: [] } }));
  const facts = { ...FACTS, canonical: { copy: "vault", at: VAULT, fingerprints: {}, wrote: true } } as Facts;
  for (const [shown, changedAt, counts] of [
    [EARLIER, "2026-11-21T08:39:59.000Z", false],
    [EARLIER, LATER, true],
    [undefined, LATER, true],
    [LATER, LATER, false],
  ] as const) {
    const { c } = scene({
      stores: { ci: { observe: async () => done({ at: LATER, present: true, changedAt }) } },
    });
    const asked = { at: "2026-11-21T08:40:00.900Z", ...(shown && { shown }) };
    const by = { name: "kris", assurance: "local user" } as const;
    expect(await step.does(c, facts, { is: "done", by, at: LATER, asked })).toMatchObject({
      is: counts ? "done" : "refused",
    });
    expect(await step.settles?.(c, facts, { choice: "settle", asked })).toMatchObject({
      is: counts ? "present" : "absent",
    });
    expect(await step.shows?.(c)).toBe(changedAt);
  }
});
