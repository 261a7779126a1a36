import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { RunView } from "../../src/app/runs.ts";
import { type CopySnapshot, copiesOf } from "../../src/core/snapshot.ts";
import { listAudit } from "../../src/db/audit-log.ts";
import { listGenerations, listRotations } from "../../src/db/ledger.ts";
import type { JournalEntry } from "../../src/sandbox/journal.ts";
import { type Estate, estateOf, writesSince } from "./estate.ts";
import { type Ground, SECRET } from "./ground.ts";
import type { Order } from "./hook.ts";

/** How many times a run may have done what counts; each is exactly one where nothing is said. */
export interface Allowed {
  /** Times that GitHub's secret was written: it cannot be read, so writing again is the only way to know. */
  readonly github?: number;
  /** None where a person supplied the new key. */
  readonly minted?: number;
  /** Sealed values that may be left, of dead keys: what a frozen process seals when it wakes after the end. Else none. */
  readonly sealed?: number;
}

/** Holds a finished run against the vendors' own truth and against the record. */
export async function expectPromises(
  ground: Ground,
  before: Estate,
  view: RunView,
  allowed: Allowed = {},
): Promise<void> {
  const after = estateOf(ground.sandbox);
  expect(view.run.status).toBe("completed");
  expectOneKey(before, after, view.run.tag);
  expectNoRepeats(ground, before, after, allowed);
  expect(ground.watch.dark, "P1, HK-11: every place held a working key at every moment").toEqual([]);
  await expectRecord(ground, before, after, view);
  await expectForgotten(ground, after, view, allowed.sealed ?? 0);
}

/**
 * Holds a run that a person has rolled back against the vendors' own truth and against the record. `again`: how often a process
 * died after it had put the old value back into the vault: the next one does so again, because a read may lag.
 */
export async function expectRolledBack(
  ground: Ground,
  before: Estate,
  view: RunView,
  again = 0,
): Promise<void> {
  const after = estateOf(ground.sandbox);
  expect([view.run.status, view.run.trouble?.code]).toEqual(["cancelled", "RUN_ROLLED_BACK"]);
  expect(after.held, "the vault holds the old key").toBe(before.held);
  expect(
    after.places.filter(({ holds, works }) => holds !== before.held || !works),
    "every copy and every dyno holds the old key",
  ).toEqual([]);
  const alive = (estate: Estate) => estate.authorizations.filter((one) => one.alive).map(({ id }) => id);
  expect(alive(after).sort(), "P3: the new key is dead, and nobody else's was touched").toEqual(
    alive(before).sort(),
  );
  expect(after.vaultVersion, "one version there, one back").toBe(before.vaultVersion + 2 + again);
  expect(ground.watch.dark, "P1: every place held a working key at every moment").toEqual([]);
  const audit = await listAudit(ground.home.database, { run: view.run.id, limit: 10_000 });
  const silent = writesSince(ground.sandbox, before).filter(
    (write) =>
      !audit.some(
        (entry) =>
          entry.action.endsWith(".intended") &&
          [...stepOf(write, view, before.held), ...stepBackOf(write, view)].includes(entry.step ?? "") &&
          Date.parse(entry.at) <= write.at + 1,
      ),
  );
  expect(silent, "P9: no write without its announcement").toEqual([]);
  await expectForgotten(ground, after, view, 0);
}

/** P3, P4: one new key everywhere, the old one and all duplicates dead, everybody else's untouched. */
function expectOneKey(before: Estate, after: Estate, tag: string): void {
  const ours = after.authorizations.filter(({ description }) => description.endsWith(` ${tag}`));
  const living = ours.filter(({ alive }) => alive);
  expect(
    living.map(({ id }) => id),
    "P3: exactly one living key of this run, in the vault",
  ).toEqual([after.held]);
  expect(after.held).not.toBe(before.held);
  expect(
    after.places.filter(({ holds, works }) => holds !== after.held || !works),
    "every copy and every dyno holds the vault's key",
  ).toEqual([]);
  const alive = (estate: Estate) => estate.authorizations.filter((one) => one.alive).map(({ id }) => id);
  expect(alive(after).sort(), "P2, P4: the old key is dead, and nobody else's was touched").toEqual(
    [...alive(before).filter((id) => id !== before.held), after.held].sort(),
  );
}

/** P11: nothing took place twice that must take place once. */
function expectNoRepeats(ground: Ground, before: Estate, after: Estate, allowed: Allowed): void {
  const writes = writesSince(ground.sandbox, before);
  const count = (method: string, part: string) =>
    writes.filter((one) => one.method === method && one.path.includes(part)).length;
  expect(after.vaultVersion, "one version in the vault").toBe(before.vaultVersion + 1);
  for (const [app, version] of Object.entries(after.releases))
    expect(version, `one release of ${app}`).toBe((before.releases[app] ?? 0) + 1);
  expect(count("PUT", "/actions/secrets/")).toBeLessThanOrEqual(allowed.github ?? 1);
  const minted = count("POST", "/oauth/authorizations");
  expect(minted).toBeLessThanOrEqual(allowed.minted ?? 1);
  expect(count("DELETE", "/oauth/authorizations/"), "the old key and each duplicate end once").toBe(
    allowed.minted === 0 ? 1 : minted,
  );
}

/** P9, P10: every write was announced before, by a step of the plan; the record names old and new. */
async function expectRecord(ground: Ground, before: Estate, after: Estate, view: RunView): Promise<void> {
  const { database } = ground.home;
  const audit = await listAudit(database, { run: view.run.id, limit: 10_000 });
  const unannounced = writesSince(ground.sandbox, before).filter((write) => {
    const step = stepOf(write, view, before.held);
    const announced = audit.some(
      (entry) =>
        entry.action.endsWith(".intended") &&
        step.includes(entry.step ?? "") &&
        Date.parse(entry.at) <= write.at + 1,
    );
    return !announced || step.every((id) => view.plan.steps.every((line) => line.id !== id));
  });
  expect(unannounced, "P9, P10: no write without a line of the plan and its announcement").toEqual([]);
  expect(audit.filter(({ action }) => action === "secret.rotate.completed")).toHaveLength(1);
  expect(view.steps.filter(({ state }) => state !== "done")).toEqual([]);
  const rotations = (await listRotations(database, SECRET)).filter(({ run }) => run === view.run.id);
  expect(rotations.map((row) => [row.old.id, row.new.id])).toEqual([[before.held, after.held]]);
  const current = (await listGenerations(database, SECRET)).filter(({ state }) => state === "current");
  expect(current.map(({ credential }) => credential.id)).toEqual([after.held]);
}

/** P7: no value outlives its run. */
export async function expectForgotten(
  ground: Ground,
  after: Estate,
  { run }: RunView,
  most: number,
): Promise<void> {
  const kept = await ground.home.database.query<{ id: string }>(
    "SELECT credential_id AS id FROM lockstep.sealed WHERE run = $1",
    [run.id],
  );
  expect(kept.length, "P7: no sealed value outlives its run").toBeLessThanOrEqual(most);
  const alive = after.authorizations.filter((one) => one.alive).map(({ id }) => id);
  expect(kept.filter(({ id }) => alive.includes(id))).toEqual([]);
}

/** The steps that may write this; none for a write that no plan knows. */
function stepOf({ vendor, method, path }: JournalEntry, view: RunView, old: string): readonly string[] {
  const { snapshot } = view.plan;
  if (vendor === "infisical") return method === "POST" ? ["claim"] : ["store"];
  const copy = copiesOf(snapshot).find((one) => one.vendor === vendor && path.includes(placeOf(one)));
  if (copy) return [`propagate/${copy.id}`];
  if (method === "POST" && path === "/oauth/authorizations") return ["mint"];
  if (method !== "DELETE" || !path.startsWith("/oauth/authorizations/")) return [];
  return path.endsWith(old) ? ["revoke"] : ["mint", "tidy"];
}

/** The steps of the way back that may write this. */
function stepBackOf({ vendor, method, path }: JournalEntry, view: RunView): readonly string[] {
  if (vendor === "infisical") return ["restore/vault"];
  const copy = copiesOf(view.plan.snapshot).find(
    (one) => one.vendor === vendor && path.includes(placeOf(one)),
  );
  if (copy) return [`restore/${copy.id}`];
  return method === "DELETE" ? ["end-new"] : [];
}

function placeOf({ config }: CopySnapshot): string {
  return String(config["appId"] ?? config["repository"]);
}

/** Kills the database at that moment, starts it again, and demands that the run ends as if nothing had happened. */
export async function expectOutlived(
  ground: Ground,
  [entry, when]: readonly [entry: string, when: Order["when"]],
): Promise<void> {
  const before = estateOf(ground.sandbox);
  const victim = ground.postmaster;
  const run = await ground.start({ entry, when, write: true, signal: "SIGKILL", victim });
  await ground.struck(run, 1);
  await sleep(500);
  await ground.restore();
  await expectPromises(ground, before, await ground.end(run));
}
