import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overlap } from "../../src/runbooks/overlap.ts";
import { estateOf } from "./estate.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";
import type { Order } from "./hook.ts";
import { expectPromises } from "./promises.ts";

/** `LOCKSTEP_CRASH_EACH=1`: one kill a run, instead of all kills of two steps in one run; several times as long. */
const EACH = process.env["LOCKSTEP_CRASH_EACH"] === "1";

const project = await makeProject();
const steps = overlap.entries(project.plan.snapshot).flatMap((entry) => entry.waves.flat());

/** Every step of the plan with its journal entries, and the moments at which the process that is there is killed. */
const everything: readonly { readonly name: string; readonly orders: readonly Order[] }[] = [
  { name: "start", orders: kills("start", false) },
  ...steps.map(({ id, effect, proves }) => ({
    name: id,
    orders: [...kills(`${id}/act`, effect !== "none"), ...(proves ? kills(`${id}/prove`, false) : [])],
  })),
  { name: "end", orders: kills("end", false) },
];
const scenarios = EACH
  ? everything.flatMap(({ orders }) =>
      orders.map((order) => ({ name: `${order.entry} ${order.when}`, orders: [order] })),
    )
  : pairs(everything);

/** Two steps a run, since a rotation takes longer than the kills in it; but not copies, which are written side by side. */
function pairs(all: typeof everything): typeof everything {
  const [first, second, ...rest] = all;
  if (!first) return [];
  if (!second || [first, second].some(({ name }) => name.startsWith("propagate/")))
    return [first, ...pairs(all.slice(1))];
  const both = {
    name: `${first.name}, ${second.name}`,
    orders: [...first.orders, ...second.orders],
  };
  return [both, ...pairs(rest)];
}

function kills(entry: string, write: boolean): Order[] {
  // What was done and is not recorded is the worst moment of an effect, also when no answer came just before it.
  const moments = write ? (["inside", "returned", "after"] as const) : (["inside", "after"] as const);
  // Before an entry is what it is after the one before it: tried where each kill has a run of its own.
  return [...(EACH ? (["before"] as const) : []), ...moments].map((when) => ({
    entry,
    when,
    write,
    signal: "SIGKILL",
  }));
}

let ground: Ground;
let struck = 0;
beforeAll(async () => {
  ground = await openGround(project, 3);
});
afterAll(() => ground?.close());

describe("[P11] killed with SIGKILL, another process goes on, and the estate is as if nothing had happened", () => {
  test.for(scenarios)("[P11] at $name", async ({ orders }) => {
    const before = estateOf(ground.sandbox);
    const run = await ground.start(...orders);
    const view = await ground.end(run);
    const hits = ground.hits(run);
    expect(hits.map(({ entry, when }) => `${entry} ${when}`)).toEqual(
      orders.map(({ entry, when }) => `${entry} ${when}`),
    );
    expect(hits.every(({ pid }) => ground.crew.gone(pid))).toBe(true);
    struck += hits.length;
    const orphans = hits.filter(({ entry, moment }) => entry === "mint/act" && moment === "wrote").length;
    const again = hits.filter(({ entry, moment }) => /\/act$/.test(entry) && moment !== "before").length;
    await expectPromises(ground, before, view, { minted: 1 + orphans, github: 1 + again });
  });
});

test("[P11] every boundary of every step of the plan was struck, with at least 60 kills", () => {
  expect(steps.map(({ id }) => id)).toEqual(project.plan.steps.map(({ id }) => id));
  expect(struck).toBe(everything.flatMap(({ orders }) => orders).length);
  expect(struck).toBeGreaterThanOrEqual(60);
});

test("[P1] [HK-11] at no moment did the vault, a copy or a running process hold a dead key", () => {
  expect(ground.watch.looks()).toBeGreaterThan(scenarios.length * 8);
  expect(ground.watch.dark).toEqual([]);
});

test("[P3] of all keys that the runs ever created, one is alive: the one in the vault", () => {
  const { authorizations, held } = estateOf(ground.sandbox);
  const ours = authorizations.filter(({ description }) => / ls-[a-z2-7]{12}$/.test(description));
  expect(ours.length).toBeGreaterThanOrEqual(scenarios.length);
  expect(ours.filter(({ alive }) => alive).map(({ id }) => id)).toEqual([held]);
});
