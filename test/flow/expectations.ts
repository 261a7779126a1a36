import { expect } from "vitest";
import type { JournalEntry } from "../../src/sandbox/journal.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { refuseLeaks } from "../../src/vendors/testing.ts";
import { entriesOf, type Run, SECRET, vaultWorks, type World } from "./world.ts";

export const OLD = RAXX.currentAuthorization;
export const MINT = { vendor: "heroku", method: "POST", route: "/oauth/authorizations" } as const;
export const END = { vendor: "heroku", method: "DELETE", route: "/oauth/authorizations/:id" } as const;
export const VAULT_WRITE = { vendor: "infisical", method: "PATCH", route: "/api/v4/secrets/:key" } as const;
const GITHUB_WRITE = {
  vendor: "github",
  method: "PUT",
  route: "/repos/:owner/:repo/actions/secrets/:name",
} as const;
const appWrite = (app: keyof typeof RAXX.apps) =>
  ({ vendor: "heroku", method: "PATCH", route: `/apps/${RAXX.apps[app]}/config-vars` }) as const;

/** The stores in the order of the plan, each with its write. */
export const STORES = [
  { name: "vault", write: VAULT_WRITE },
  { name: "github", write: GITHUB_WRITE },
  { name: "raxx-api-staging", write: appWrite("raxx-api-staging") },
  { name: "raxx-console-staging", write: appWrite("raxx-console-staging") },
  { name: "raxx-api-prod", write: appWrite("raxx-api-prod") },
  { name: "raxx-console-prod", write: appWrite("raxx-console-prod") },
] as const;

/** Authorizations that carry the run's tag and that Heroku still accepts. */
export function livingOf(w: World, run: Run): string[] {
  return w.sandbox.control
    .truth()
    .heroku.authorizations.filter((one) => one.description.endsWith(run.tag) && one.alive)
    .map(({ id }) => id);
}

/** Which authorization each copy holds, by the name of the place. */
export function held(w: World): Record<string, string | null> {
  const truth = w.sandbox.control.truth();
  const apps = truth.heroku.apps.map((app) => [app.name, app.config["HEROKU_API_KEY"]?.holds ?? null]);
  const secrets = truth.github.repositories[0]?.secrets["HEROKU_API_KEY"];
  const vault = entriesOf(w.sandbox).find((one) => one.key === "HEROKU_API_KEY");
  return { vault: vault?.holds ?? null, github: secrets?.holds ?? null, ...Object.fromEntries(apps) };
}

export function isAlive(w: World, id: string): boolean {
  return w.sandbox.control.truth().heroku.authorizations.some((one) => one.id === id && one.alive);
}

/** Everything that a completed rotation must leave; answers with the new authorization. */
export function expectRotated(w: World, run: Run): string {
  const living = livingOf(w, run);
  expect(living).toHaveLength(1);
  const [fresh = ""] = living;
  expect(new Set(Object.values(held(w)))).toEqual(new Set([fresh]));
  expect(isAlive(w, OLD)).toBe(false);
  expectKeptPromises(w, run);
  expect(w.memory.sealed).toEqual([]);
  expect(w.memory.runs.get(run.id)).toMatchObject({ status: "completed", new: { id: fresh } });
  expect(w.memory.rotations).toMatchObject([{ secret: SECRET, old: { id: OLD }, new: { id: fresh } }]);
  expect(w.memory.audit.filter((one) => one.action === "secret.rotate.completed")).toHaveLength(1);
  return fresh;
}

/** Everything that a run which walked back must leave: what was there before, and nothing else. */
export function expectWalkedBack(w: World, run: Run): void {
  expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
  expect(isAlive(w, OLD)).toBe(true);
  expect(livingOf(w, run)).toEqual([]);
  expect(w.memory.sealed).toEqual([]);
  expect(storeWrites(w)).toEqual([]);
  expectKeptPromises(w, run);
}

/** What no run may break, however it went: the vault's key works, no value is shown, others' keys live. */
export function expectKeptPromises(w: World, run: Run): void {
  expect(w.broken).toEqual([]);
  expect(vaultWorks(w.sandbox)).toBe(true);
  expectNoValue(w, run);
  const others = w.sandbox.control
    .truth()
    .heroku.authorizations.filter((one) => one.id !== OLD && !one.description.includes(" ls-"));
  expect(others.filter((one) => !one.alive).map((one) => one.description)).toEqual([]);
}

/** No value in anything that is kept or shown (P7, HK-12). */
export function expectNoValue(w: World, run: Run): void {
  const { audit, runs, steps, rotations, generations, sealed } = w.memory;
  const shown = [audit, [...runs], [...steps], rotations, generations, sealed, run.plan, [...run.kept.slots]];
  refuseLeaks(JSON.stringify(shown), w.values());
}

export function storeWrites(w: World): JournalEntry[] {
  return w.writes().filter((one) => !one.path.startsWith("/oauth/"));
}

/** Where a write went, in the words of {@link STORES}. */
export function placeOf(entry: JournalEntry): string {
  if (entry.vendor === "infisical") return "vault";
  if (entry.vendor === "github") return "github";
  if (entry.path.startsWith("/oauth/")) return entry.method === "POST" ? "mint" : "end";
  const id = entry.path.split("/")[2];
  return Object.entries(RAXX.apps).find(([, app]) => app === id)?.[0] ?? entry.path;
}
