// Runs that a person has a part in: killed on the way back, while they are held, and while they wait for a task.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunView } from "../../src/app/runs.ts";
import { copiesOf } from "../../src/core/snapshot.ts";
import { overlap } from "../../src/runbooks/overlap.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { estateOf } from "./estate.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";
import type { Order } from "./hook.ts";
import { expectPromises, expectRolledBack } from "./promises.ts";

const REPOSITORY = "raxx-app/TradeMasterAPI";
const KEY = "HEROKU_API_KEY";
const project = await makeProject();
const { snapshot } = project.plan;
/** The last copy that is written: all others hold the new value by then. */
const LAST = {
  vendor: "heroku",
  method: "PATCH",
  route: `/apps/${RAXX.apps["raxx-console-prod"]}/config-vars`,
} as const;

const kill = (entry: string, when: Order["when"], write = false): Order => ({
  entry,
  when,
  write,
  signal: "SIGKILL",
});

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(project, 3);
});
afterAll(() => ground?.close());

const struckAs = async (run: string, orders: readonly Order[]) => {
  await ground.struck(run, orders.length);
  const said = ({ entry, when }: Pick<Order, "entry" | "when">) => `${entry} ${when}`;
  expect(ground.hits(run).map(said)).toEqual(orders.map(said));
};
const noticesOf = async (run: string, kind: string) =>
  ground.home.database.query<{ channel: string }>(
    "SELECT channel FROM lockstep.notice WHERE run = $1 AND kind = $2 ORDER BY channel",
    [run, kind],
  );

/** Starts a run that is held because Heroku refuses the last of its writes. */
async function heldAtTheLastCopy(...orders: readonly Order[]): Promise<RunView> {
  ground.sandbox.control.addFault({ ...LAST, kind: "status", status: 403, count: null });
  const run = await ground.start(...orders);
  const view = await ground.stops(run);
  ground.sandbox.control.clearFaults();
  expect([view.run.status, view.run.trouble?.code]).toEqual(["held", "VENDOR_PERMISSION"]);
  return view;
}

describe("[P11] [X-14] killed on the way back, another process goes on with it", () => {
  const back = overlap.back?.(snapshot).flatMap((entry) => entry.waves.flat()) ?? [];
  const parts = back.map(({ id, effect, proves }) => ({
    name: id,
    // Before an entry is what it is after the one before it.
    orders: [
      ...(effect === "none" ? [] : [kill(`${id}/act`, "inside", true), kill(`${id}/act`, "returned", true)]),
      ...(proves ? [kill(`${id}/prove`, "inside")] : []),
      kill(`${id}/${proves ? "prove" : "act"}`, "after"),
    ],
  }));

  test("[X-14] the way back has every copy, the vault, and the end of the new key", () => {
    expect(back.map(({ id }) => id)).toEqual([
      ...copiesOf(snapshot)
        .toReversed()
        .map(({ id }) => `restore/${id}`),
      "restore/vault",
      "drain/back",
      "requests",
      "end-new",
    ]);
  });

  test.for(parts)("[P11] [X-14] at $name", async ({ orders }) => {
    const before = estateOf(ground.sandbox);
    const held = await heldAtTheLastCopy(...orders);
    await ground.decide(held, "rollback");
    const view = await ground.stops(held.run.id, held.run.question);
    await struckAs(held.run.id, orders);
    const again = orders.filter(({ entry, write }) => entry === "restore/vault/act" && write).length;
    await expectRolledBack(ground, before, view, again);
  });
});

describe("[P11] [X-14] killed when it becomes held, and while it is held", () => {
  const entry = `held/propagate/${snapshot.waves.at(-1)?.[0]?.id}/1/1`;

  test.for(["retry", "rollback"] as const)("[P11] [X-14] then %s", async (choice) => {
    const before = estateOf(ground.sandbox);
    const orders = [kill(entry, "before"), kill(entry, "returned"), kill(entry, "after")];
    const held = await heldAtTheLastCopy(...orders);
    await struckAs(held.run.id, orders);
    await ground.crew.replace();
    // It is held still, under the same question, and nobody was told twice.
    const still = await ground.stops(held.run.id);
    expect([still.run.status, still.run.question]).toEqual(["held", held.run.question]);
    expect((await noticesOf(held.run.id, "held")).map((one) => one.channel)).toEqual(["email", "slack"]);
    await ground.decide(held, choice);
    await ground.crew.replace();
    if (choice === "retry")
      return expectPromises(ground, before, await ground.end(held.run.id, held.run.question));
    return expectRolledBack(ground, before, await ground.stops(held.run.id, held.run.question));
  });
});

describe("[P11] [X-08] killed while it waits for a person's task", () => {
  let theirs: Ground;
  beforeAll(async () => {
    // The first copy is written by a person.
    const byHand = await makeProject((text) => text.replace("repositoryId:", "byHand: true, repositoryId:"));
    theirs = await openGround(byHand, 2);
  });
  afterAll(() => theirs?.close());
  const first = copiesOf(snapshot)[0]?.id;
  const task = `task/propagate/${first}/1`;

  test.for([
    {
      name: "when it asks",
      orders: [
        kill(`${task}/asked`, "before"),
        kill(`${task}/asked`, "returned"),
        kill(`${task}/asked`, "after"),
      ],
    },
    {
      name: "when it is answered",
      orders: [
        kill(`${task}/answered`, "returned"),
        kill(`propagate/${first}/act`, "inside"),
        kill(`propagate/${first}/act`, "returned"),
      ],
    },
  ])("[P11] [X-08] $name, and in between", async ({ orders }) => {
    const before = estateOf(theirs.sandbox);
    const run = await theirs.start(...orders);
    const waiting = await theirs.stops(run);
    expect([waiting.run.status, waiting.run.question]).toEqual(["waiting", task]);
    await theirs.struck(run, orders.filter(({ entry }) => entry === `${task}/asked`).length);
    await theirs.crew.replace();
    expect((await theirs.stops(run)).run.question).toBe(task);
    const held = estateOf(theirs.sandbox).held;
    theirs.sandbox.control.act({
      act: "set-github-secret",
      repository: REPOSITORY,
      name: KEY,
      value: { authorization: held },
    });
    await theirs.answer(waiting);
    await theirs.crew.replace();
    const view = await theirs.end(run, task);
    expect(theirs.hits(run).map(({ entry, when }) => `${entry} ${when}`)).toEqual(
      orders.map(({ entry, when }) => `${entry} ${when}`),
    );
    await expectPromises(theirs, before, view);
    const asked = await theirs.home.database.query<{ answered: boolean }>(
      "SELECT answered_at IS NOT NULL AS answered FROM lockstep.task WHERE run = $1",
      [run],
    );
    expect(asked).toEqual([{ answered: true }]);
    const told = await theirs.home.database.query<{ channel: string }>(
      "SELECT channel FROM lockstep.notice WHERE run = $1 AND kind = 'task' ORDER BY channel",
      [run],
    );
    expect(told.map((one) => one.channel)).toEqual(["email", "slack"]);
  });
});

test("[P1] [HK-11] at no moment did the vault, a copy or a running process hold a dead key", () => {
  expect(ground.watch.looks()).toBeGreaterThan(100);
  expect(ground.watch.dark).toEqual([]);
});
