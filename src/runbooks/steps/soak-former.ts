import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { after, durationText } from "../../core/time.ts";
import { lastWrite } from "./receipt.ts";

/** Keeps old and new side by side for the minimum overlap, where the old one still works. */
export const soakFormer = step({
  id: "soak",
  takes: ["checked", "canonical", "copies"],
  gives: "soaked",
  by: "api",
  effect: "none",
  says: (s) => `Where the old key still works: wait until the last write is ${durationText(s.soakMs)} old`,
  waits: (s, { checked, canonical, copies }) =>
    after(lastWrite(canonical, copies), checked.liveness === "dead" ? 0 : s.soakMs),
  does: async (c, { checked }) =>
    done({
      at: c.now(),
      says:
        checked.liveness === "dead"
          ? "the old key was refused already: nothing to wait for"
          : `${durationText(c.snapshot.soakMs)} since the last write`,
    }),
  undoes: "nothing",
});
