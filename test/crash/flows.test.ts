// The other runbooks on the real engine: a supplied key, a revoke, and the flow that only reads.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/app/load-config.ts";
import { listAudit } from "../../src/db/audit-log.ts";
import { revoke } from "../../src/runbooks/revoke.ts";
import { supplied } from "../../src/runbooks/supplied.ts";
import { test as onlyTest } from "../../src/runbooks/test.ts";
import { estateOf, writesSince } from "./estate.ts";
import { type Ground, makeProject, openGround, planOf } from "./ground.ts";
import type { Order } from "./hook.ts";
import { expectForgotten, expectPromises } from "./promises.ts";

const project = await makeProject();
const { config } = await loadConfig(project.dir);

/** The two worst moments of each entry: done and not recorded, recorded and nothing further begun. */
function kills(runbook: typeof supplied, asked: Parameters<typeof planOf>[1]): readonly Order[] {
  const { snapshot } = planOf(config, asked);
  const steps = runbook.entries(snapshot).flatMap((entry) => entry.waves.flat());
  return steps.flatMap(({ id, proves }) =>
    [`${id}/act`, ...(proves ? [`${id}/prove`] : [])].flatMap((entry) =>
      (["returned", "after"] as const).map(
        (when): Order => ({ entry, when, write: false, signal: "SIGKILL" }),
      ),
    ),
  );
}

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(project, 3);
});
afterAll(() => ground?.close());

async function expectStruck(run: string, orders: readonly Order[]): Promise<void> {
  await ground.struck(run, orders.length);
  const said = ({ entry, when }: Pick<Order, "entry" | "when">) => `${entry} ${when}`;
  expect(ground.hits(run).map(said)).toEqual(orders.map(said));
}

describe("[P11] killed with SIGKILL in every entry, other processes go on", () => {
  test("[P11] [HK-24] with a key that a person supplies, and its value is asked for once", async () => {
    const asked = { supplied: true };
    // What it shares with every rotation is struck in `steps.test.ts`.
    const own = /^(check|identify|announce|supply|validate|ready|store|revoke|prove-dead)\//;
    const orders = kills(supplied, asked).filter(({ entry }) => own.test(entry));
    const before = estateOf(ground.sandbox);
    const run = await ground.startOf(asked, ...orders);
    const waiting = await ground.stops(run);
    expect(waiting.run.status).toBe("waiting");
    const { id = "" } = ground.sandbox.control.act({
      act: "create-authorization",
      description: `${waiting.plan.snapshot.issuer.description} ${waiting.run.tag}`,
      scope: ["global"],
    });
    await ground.answer(waiting, { token: ground.sandbox.control.estate().heroku.tokens[id] ?? "" });
    const view = await ground.end(run, waiting.run.question);
    await expectStruck(run, orders);
    expect(estateOf(ground.sandbox).held).toBe(id);
    await expectPromises(ground, before, view, { minted: 0 });
    expect(
      await ground.home.database.query("SELECT 1 FROM lockstep.task WHERE run = $1", [run]),
    ).toHaveLength(1);
  });

  test("[P11] [X-01] a revoke ends one key, once", async () => {
    const scope = ["global"];
    const description = "raxx-ci-rotation-unused";
    const { id = "" } = ground.sandbox.control.act({ act: "create-authorization", description, scope });
    const asked = { flow: "revoke", ending: { id } } as const;
    const orders = kills(revoke, asked);
    const before = estateOf(ground.sandbox);
    const run = await ground.startOf(asked, ...orders);
    const view = await ground.end(run);
    await expectStruck(run, orders);
    const after = estateOf(ground.sandbox);
    const living = ({ authorizations }: typeof after) =>
      authorizations.filter(({ alive }) => alive).map((one) => one.id);
    expect(living(after)).toEqual(living(before).filter((one) => one !== id));
    expect(writesSince(ground.sandbox, before).map(({ method }) => method)).toEqual(["DELETE"]);
    const audit = await listAudit(ground.home.database, { run, limit: 1_000 });
    expect(audit.filter(({ action }) => action === "secret.revoke.completed")).toHaveLength(1);
    expect(ground.watch.dark).toEqual([]);
    await expectForgotten(ground, after, view, 0);
  });

  test("[P11] [X-01] a test changes nothing", async () => {
    const asked = { flow: "test" } as const;
    const orders = kills(onlyTest, asked);
    const before = estateOf(ground.sandbox);
    const run = await ground.startOf(asked, ...orders);
    const view = await ground.end(run);
    await expectStruck(run, orders);
    const after = estateOf(ground.sandbox);
    expect(writesSince(ground.sandbox, before)).toEqual([]);
    await expectForgotten(ground, after, view, 0);
  });
});
