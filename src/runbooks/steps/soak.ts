import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { after, durationText } from "../../core/time.ts";
import { lastWrite } from "./receipt.ts";

/** Keeps old and new alive side by side for the minimum overlap. */
export const soak = step({
  id: "soak",
  takes: ["canonical", "copies"],
  gives: "soaked",
  by: "api",
  effect: "none",
  says: (s) => `Wait until the last write is ${durationText(s.soakMs)} old; old and new both work`,
  waits: (s, { canonical, copies }) => after(lastWrite(canonical, copies), s.soakMs),
  does: async (c) => done({ at: c.now(), says: `${durationText(c.snapshot.soakMs)} since the last write` }),
  undoes: "nothing",
});
