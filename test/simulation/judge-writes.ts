import { RUNBOOKS } from "../../src/app/runbooks.ts";
import { type CopySnapshot, copiesOf, type Snapshot } from "../../src/core/snapshot.ts";
import type { JournalEntry } from "../../src/sandbox/journal.ts";
import { infisicalConfig } from "../../src/stores/infisical/config.ts";
import { claimsOf } from "../../src/vendors/infisical/client.ts";
import { INSTALLATION } from "../flow/world.ts";
import type { Run } from "./crew.ts";
import type { Sending } from "./network.ts";
import { isTagged, type Scene } from "./scene.ts";
import { authorizationOf, ownerOf, SWITCH } from "./truth.ts";

/** P9: when a write leaves, its step has been announced by a run that has such a step. */
export function judgeAnnounced({ runs, memory, violated }: Scene, { method, path, vendor }: Sending): void {
  const announced = runs().some((run) => {
    const steps = stepsThatWrite(run, { method, path, vendor });
    return memory.audit.some(
      (one) => one.run === run.id && one.action.endsWith(".intended") && steps.includes(one.step ?? ""),
    );
  });
  if (!announced) violated("P9", `${method} ${path} was not announced`);
}

/** P5, P6, P10: what a vendor has carried out for us is in a plan, was done as whom the plan names, and changed nothing else. */
export function judgeWrite(scene: Scene, entry: JournalEntry, after: ReadonlyMap<string, string>): void {
  const { runs, violated, places } = scene;
  const said = `${entry.method} ${entry.path}`;
  if (runs().every((run) => stepsThatWrite(run, entry).length === 0))
    violated("P10", `${said} is in no plan`);
  if (!isOurAccess(scene, entry)) violated("P6", `${said} was sent as ${entry.credential ?? "nobody"}`);
  if (entry.fields.includes(SWITCH)) violated("P5", `${said} turned a kill switch`);
  const allowed = placesOfPlans(runs());
  for (const [place, value] of after) {
    if (places.get(place) === value) continue;
    // A release of somebody else's that fails takes what it set back at its own time.
    if (place.endsWith(` ${SWITCH}`)) continue;
    const kind = allowed.get(place);
    if (kind === undefined) violated("P6", `${said} wrote ${place}, which no plan names`);
    else if (kind === "claim" ? value !== INSTALLATION : !isOurs(scene, value))
      violated("P6", `${said} put a value into ${place} that is not this secret's`);
  }
  for (const place of places.keys()) if (!after.has(place)) violated("P10", `${said} removed ${place}`);
}

/** P6: what we create is of the account, the scope and the description that a plan says. */
export function judgeCreated(scene: Scene, id: string): void {
  const { sandbox, runs, situation, violated } = scene;
  const one = authorizationOf(sandbox, id);
  const { formerTag } = situation;
  // A lost request of before, which the situation lets land.
  if (formerTag !== undefined && one?.description.endsWith(formerTag)) return;
  const wanted = runs().some(
    ({ tag, plan: { snapshot } }) =>
      snapshot.flow === "rotate" &&
      one?.description === `${snapshot.issuer.description} ${tag}` &&
      one.scope.join(" ") === snapshot.issuer.scope,
  );
  if (!wanted)
    violated("P6", `created ${one?.description} (${one?.scope.join(" ")}), which no plan asks for`);
}

/** The access of the configuration: by name where it has one, else the very key that is rotated. */
function isOurAccess(scene: Scene, { vendor, credential }: JournalEntry): boolean {
  if (vendor === "infisical") return credential === "lockstep";
  if (vendor === "github") return credential === "rotation";
  const one = authorizationOf(scene.sandbox, credential ?? "");
  return one !== undefined && (scene.canonical.has(one.token) || isTagged(scene, one.description));
}

/** What a run has created, or what stood in the vault when a run began. */
function isOurs(scene: Scene, value: string): boolean {
  return scene.canonical.has(value) || isTagged(scene, ownerOf(scene.sandbox, value)?.description ?? "");
}

/** The places that the plans name, by the vendors' immutable ids, and where an installation claims them. */
function placesOfPlans(runs: readonly Run[]): ReadonlyMap<string, "copy" | "claim"> {
  const places = new Map<string, "copy" | "claim">();
  for (const { plan } of runs) {
    if (plan.snapshot.flow !== "rotate") continue;
    const { kind: _kind, connection: _connection, ...vault } = plan.snapshot.vault.config;
    const entry = infisicalConfig.parse(vault);
    const claims = claimsOf(entry);
    for (const key of Object.values(entry.fields)) {
      places.set(`infisical ${entry.project} ${entry.environment} ${entry.path} ${key}`, "copy");
      places.set(`infisical ${entry.project} ${claims.environment} ${claims.path} ${key}`, "claim");
    }
    for (const { vendor, config } of copiesOf(plan.snapshot))
      for (const name of Object.values(config["fields"] as Record<string, string>))
        places.set(`${vendor} ${config["appId"] ?? config["repositoryId"]} ${name}`, "copy");
  }
  return places;
}

interface Write {
  readonly vendor: string;
  readonly method: string;
  readonly path: string;
}

const ENDS = [
  "revoke",
  "mint",
  "announce",
  "tidy",
  "end-new",
  "break-glass",
  "late/2min",
  "late/15min",
  "late/24h",
];

/** The steps of a run's plan and of its way back that may write this. */
function stepsThatWrite(run: Run, write: Write): readonly string[] {
  const steps = stepsOf(run);
  return stepsFor(run.plan.snapshot, write).filter((step) => steps.has(step));
}

function stepsFor(snapshot: Snapshot, { vendor, method, path }: Write): readonly string[] {
  if (vendor === "infisical") return method === "POST" ? ["claim"] : ["store", "restore/vault"];
  const copy = copiesOf(snapshot).find((one) => one.vendor === vendor && path.includes(placeOf(one)));
  // What a person is to write is never written by us.
  if (copy?.byHand) return [];
  if (copy) return [`propagate/${copy.id}`, `restore/${copy.id}`];
  if (method === "POST" && path === "/oauth/authorizations") return ["mint"];
  return method === "DELETE" && path.startsWith("/oauth/authorizations/") ? ENDS : [];
}

const known = new WeakMap<Run, ReadonlySet<string>>();

function stepsOf(run: Run): ReadonlySet<string> {
  const found = known.get(run);
  if (found) return found;
  const { runbook, snapshot, steps } = run.plan;
  const { back, breakGlass } = RUNBOOKS[runbook] ?? {};
  const wayBack = back?.(snapshot).flatMap((entry) => entry.waves.flat()) ?? [];
  const all = new Set([...steps, ...wayBack, ...(breakGlass ? [breakGlass] : [])].map(({ id }) => id));
  known.set(run, all);
  return all;
}

function placeOf({ config }: CopySnapshot): string {
  return String(config["appId"] ?? config["repository"]);
}
