import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copiesOf } from "../../src/core/snapshot.ts";
import type { Fault } from "../../src/sandbox/faults.ts";
import { estateOf, writesSince } from "./estate.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";
import { type Allowed, expectPromises } from "./promises.ts";

const project = await makeProject();
const MINT = { vendor: "heroku", method: "POST", route: "/oauth/authorizations" } as const;
const REVOKE = { vendor: "heroku", method: "DELETE", route: "/oauth/authorizations/:id" } as const;
const VAULT = { vendor: "infisical", method: "PATCH" } as const;

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(project, 1);
});
afterAll(() => ground?.close());

/** Every write of the plan whose answer can be lost. */
const writes: readonly (readonly [string, Omit<Fault, "kind">, Allowed?])[] = [
  ["mint", MINT, { minted: 2 }],
  ["the vault's PATCH", VAULT],
  ...copiesOf(project.plan.snapshot).map((copy) =>
    copy.vendor === "github"
      ? (["GitHub's PUT", { vendor: "github", method: "PUT" }, { github: 2 }] as const)
      : ([
          `the PATCH of ${String(copy.config["app"])}`,
          { vendor: "heroku", method: "PATCH", route: `/apps/${String(copy.config["appId"])}/config-vars` },
        ] as const),
  ),
  ["revoke", REVOKE],
];

describe("[P11] the vendor did it, and its answer is lost: one key in the end, duplicates ended", () => {
  test.for(writes.map(([name, where, allowed]) => ({ name, where, allowed })))(
    "[P11] [P3] lost reply to $name",
    async ({ where, allowed }) => {
      await survives({ ...where, kind: "lost-reply" }, allowed);
    },
  );
  test.for([
    { name: "500 after it was created", fault: { ...MINT, kind: "error-after" } },
    { name: "half an answer, cleanly cut", fault: { ...MINT, kind: "truncated" } },
    { name: "half an answer and a broken connection", fault: { ...MINT, kind: "truncated", abort: true } },
    { name: "two lost replies in a row", fault: { ...MINT, kind: "lost-reply", count: 2 }, minted: 3 },
  ] as const)("[P11] [P3] mint: $name", async (one) => {
    await survives(one.fault, { minted: "minted" in one ? one.minted : 2 });
  });
});

test("[P3] [HK-13] a mint that lands after we looked leaves a duplicate, which tidy ends", async () => {
  const view = await survives({ ...MINT, kind: "late", ms: 100 }, { minted: 2 });
  expect(view.steps.find(({ id }) => id === "tidy")?.says).toContain("1 duplicate ended");
});

test("[P1] at no moment did the vault, a copy or a running process hold a dead key", () => {
  expect(ground.watch.looks()).toBeGreaterThan(writes.length);
  expect(ground.watch.dark).toEqual([]);
});

async function survives(fault: Fault, allowed: Allowed = {}) {
  const before = estateOf(ground.sandbox);
  const { control } = ground.sandbox;
  control.addFault(fault);
  const view = await ground.end(await ground.start());
  await control.idle();
  expect(control.faults(), "the fault took place").toEqual([]);
  expect(writesSince(ground.sandbox, before).some((write) => write.fault === fault.kind)).toBe(true);
  await expectPromises(ground, before, view, allowed);
  return view;
}
