import { expect, it } from "vitest";
import { world } from "./world.ts";
it("smoke", async () => {
  const w = await world();
  const t0 = performance.now();
  const run = w.run();
  const stand = await run.go();
  console.log(performance.now() - t0, stand, w.sandbox.control.journal.list().length, run.kept.slots.size, w.broken);
  console.log(w.writes().map((e) => `${e.vendor} ${e.method} ${e.path} ${e.fields} ${e.credential} ${e.status}`).join("\n"));
  console.log([...run.kept.slots.values()].map((s) => s.key).join(" "));
  console.log(w.memory.audit.map((a) => `${a.action} ${a.step ?? ""}`).join("\n"));
  const t1 = performance.now();
  const w2 = await world(); await w2.run().go();
  console.log(performance.now() - t1);
  expect(stand.status).toBe("completed");
});
