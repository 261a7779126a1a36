import type { SealedValues } from "../core/sealed.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { StepContext } from "../core/step.ts";
import type { Home } from "./home.ts";
import { localActor } from "./people.ts";
import { depsOf } from "./run-deps.ts";
import { contextOf } from "./run-ports.ts";

/** Nothing is sealed outside a run: whoever only looks has no use for it. */
const NOTHING_SEALED: SealedValues = {
  seal: () => Promise.reject(new Error("nothing is sealed outside a run")),
  find: async () => [],
  open: () => Promise.reject(new Error("nothing is sealed outside a run")),
  drop: async () => {},
  dropAll: async () => {},
};

/** Adapters and record for a look outside any run. */
export function readOnlyContext(home: Home, snapshot: Snapshot): StepContext {
  const input = {
    snapshot,
    runbook: "",
    planHash: "",
    tag: "",
    actor: localActor(home.config),
  };
  return contextOf(depsOf(home), "", input, NOTHING_SEALED, {});
}
