import { done } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import { copiesOf } from "../../core/snapshot.ts";
import { type Calls, step } from "../../core/step.ts";
import { openOf, readyPlaces } from "./check.ts";

/** Looks at every place again, now with the new key's access where Lockstep works with it: nothing is written before (P6, HK-25). */
export const ready = step({
  id: "ready",
  takes: ["pending", "validated"],
  gives: "ready",
  by: "api",
  effect: "none",
  says: (s) => `Vault and ${copiesOf(s).length} copies are at rest and can take the new value`,
  costs: (s) =>
    [s.vault, ...copiesOf(s)].reduce<Calls>((sum, copy) => add(sum, { [copy.vendor]: copy.costs.ready }), {}),
  does: async (c) => {
    const places = await readyPlaces(c);
    if (places.is !== "done") return places;
    const says = [`${places.value.length} places can take it`, ...openOf(places.value)].join("; ");
    return done({ at: c.now(), says });
  },
  undoes: "nothing",
});
