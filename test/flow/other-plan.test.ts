import { expect, it } from "vitest";
import { carryOut } from "../../src/app/engine.ts";
import type { Decision } from "../../src/core/circumstances.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { sealedValues } from "../../src/sealing/sealed-values.ts";
import { newLife } from "./life.ts";
import { memoryDeps } from "./memory-deps.ts";
import { emptyRecord, memoryJournal, Waits } from "./memory-journal.ts";
import { rowsIn } from "./memory-record.ts";
import { ACTOR, INSTALLATION, world } from "./world.ts";

it("a run that no program here may begin is held, and cancelled when a person says so", async () => {
  const w = await world();
  const { id, tag, plan } = w.run();
  const life = newLife();
  const deps = memoryDeps({
    ...w,
    life,
    send: () => Promise.reject(new Error("no vendor is asked")),
    fingerprint: fingerprinter(w.ring),
    sealedFor: (run, secret) => sealedValues(rowsIn(w.memory, life), w.ring, run, secret),
    stopAsked: async () => false,
    installation: INSTALLATION,
  });
  const kept = emptyRecord();
  const input = {
    snapshot: plan.snapshot,
    runbook: plan.runbook,
    planHash: "another",
    tag,
    actor: ACTOR,
  };
  const go = () => carryOut(deps, id, input, memoryJournal(kept, w.clock, life));
  const say = (key: string, choice: Decision["choice"]) => kept.messages.set(key, [{ choice }]);

  await expect(go()).rejects.toThrow(Waits);
  expect(w.memory.runs.get(id)).toMatchObject({ status: "held", trouble: { code: "PLAN_CHANGED" } });
  say("decision/plan/1", "retry");
  await expect(go()).rejects.toThrow("decision/plan/2");
  say("decision/plan/2", "cancel");
  expect(await go()).toMatchObject({ status: "cancelled", trouble: { code: "RUN_CANCELLED" } });
  expect(w.memory.runs.get(id)).toMatchObject({ status: "cancelled" });
  expect(w.memory.audit.map(({ action }) => action)).toContain("secret.rotate.cancelled");
});
