import { describe, expect, it } from "vitest";
import type { Introspection } from "../../core/issuer.ts";
import { after } from "../../core/time.ts";
import { SEEN_TO_WORK } from "../../guards/new.ts";
import { propagate } from "./propagate.ts";
import { store, storeSupplied } from "./store.ts";
import { AT, copy, FACTS, holding, notDone, only, scene, TROUBLE } from "./testing/scene.ts";

const vault = copy("vault");
const DEAD: Introspection = { is: "dead", trouble: TROUBLE };
const STEPS = {
  store: only(store(vault)),
  "a store with a supplied key": only(storeSupplied(vault)),
  propagate: propagate(copy("app")).step,
};

/** For whom the new key answers in a step, so long after it was last seen to work. */
function seen(step: keyof typeof STEPS, agoMs: number, who: Introspection) {
  const at = after(AT, -agoMs);
  const facts = { ...FACTS, validated: { at, says: "" }, canonical: { at } } as unknown as typeof FACTS;
  return STEPS[step].observes?.(scene({ who }).c, facts);
}

describe("[P1] before the new key is written somewhere", () => {
  it("it is asked about again where it was seen to work some time ago, or by another clock", async () => {
    for (const step of ["store", "propagate"] as const)
      for (const ago of [SEEN_TO_WORK + 1, -1])
        expect(await seen(step, ago, DEAD)).toEqual({ is: "done", value: { livingAccount: "" } });
  });

  it("it is not asked about where that was just seen", async () => {
    for (const step of ["store", "propagate"] as const)
      for (const ago of [0, SEEN_TO_WORK])
        expect(await seen(step, ago, DEAD)).toEqual({ is: "done", value: { livingAccount: "kris" } });
  });

  it("[X-08] a supplied one always is, before it goes to the vault", async () => {
    expect(await seen("a store with a supplied key", 0, DEAD)).toMatchObject({
      value: { livingAccount: "" },
    });
  });

  it("[P10] the vault is looked at again, where it was seen some time ago and was not begun to be written", async () => {
    const late = { ...FACTS, checked: { ...FACTS.checked, at: after(AT, -SEEN_TO_WORK - 1) } };
    const facts = { ...late, validated: { at: AT, says: "" } } as unknown as typeof FACTS;
    for (const name of ["store", "a store with a supplied key"] as const) {
      const look = async (token: string, announced: readonly string[] = [], given = facts) =>
        STEPS[name].observes?.(
          scene({ vault: { observe: async () => holding({ token }) }, announced }).c,
          given,
        );
      const goesOn = { is: "done", value: { livingAccount: "kris" } };
      expect(await look("old")).toEqual(goesOn);
      expect(await look("by hand")).toMatchObject({ is: "refused", trouble: { code: "VAULT_DIFFERS" } });
      expect(await look("by hand", ["store"])).toEqual(goesOn);
      expect(await look("by hand", [], { ...facts, checked: FACTS.checked })).toEqual(goesOn);
      const unseen = scene({ vault: { observe: async () => notDone } });
      expect(await STEPS[name].observes?.(unseen.c, facts)).toEqual(notDone);
    }
  });

  it("nothing is concluded from no answer", async () => {
    const unknown: Introspection = { is: "unknown", trouble: TROUBLE };
    expect(await seen("store", SEEN_TO_WORK + 1, unknown)).toEqual({ is: "retryable", trouble: TROUBLE });
  });
});
