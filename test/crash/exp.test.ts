import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, test } from "vitest";
import { openEmbedded } from "../../src/engine/embedded/server.ts";
import { decide, followRun } from "../../src/app/runs.ts";
import { openClient } from "../../src/engine/client.ts";
import { journalSealer } from "../../src/sealing/envelope.ts";
import { RUNBOOKS_VERSION } from "../../src/app/runbooks.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";

const project = await makeProject();
let ground: Ground;
beforeAll(async () => { ground = await openGround(project, 2); });
afterAll(() => ground?.close());
test("db", async () => {
  ground.sandbox.control.set({ latencyMs: 10 });
  for (let i = 0; i < 12; i++) {
    const run = await ground.start();
    await sleep(540 + i * 10);
    const file = path.join(ground.home.dir, "postgres-18", "data", "postmaster.pid");
    process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), "SIGKILL");
    await sleep(300);
    const t = performance.now();
    await openEmbedded(ground.home.dir);
    const follow = async () => { for (;;) { try { return await followRun(ground.home, run, () => {}, { signal: AbortSignal.timeout(5_000) }); } catch (e) { await sleep(100); } } };
    let view = await follow();
    console.log(i, view.run.status, Math.round(performance.now() - t), view.steps.at(-1)?.id, JSON.stringify(view.run.trouble ?? null));
    for (let tries = 0; view.run.status === "held" && tries < 3; tries++) {
      const client = await openClient(ground.home.databaseUrl, journalSealer(ground.home.ring), RUNBOOKS_VERSION);
      await decide(ground.home, client, view.run, { choice: "retry" }, { name: "x", assurance: "local user" });
      await client.close();
      await sleep(500);
      view = await follow();
      console.log("   after retry", view.run.status, JSON.stringify(view.run.trouble ?? null));
    }
    if (view.run.status === "running") {
      const client = await openClient(ground.home.databaseUrl, journalSealer(ground.home.ring), RUNBOOKS_VERSION);
      console.log("ENGINE", await client.status(run), await client.result(run, { signal: AbortSignal.timeout(3000) }).catch((e) => ["result threw", e]));
      console.log(JSON.stringify(view.steps.slice(-2)));
      console.log(await ground.home.database.query("SELECT workflow_uuid, status, executor_id, recovery_attempts FROM lockstep_dbos.workflow_status ORDER BY created_at DESC LIMIT 2").catch((e) => String(e)));
      console.log(await ground.home.database.query("SELECT nspname FROM pg_namespace"));
      console.log(await ground.home.database.query("SELECT action, step, context FROM lockstep.audit ORDER BY seq DESC LIMIT 4"));
      console.log(ground.crew.said());
      return;
    }
    await sleep(300);
  }
}, 100_000);
