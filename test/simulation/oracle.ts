import { type CopySnapshot, copiesOf } from "../../src/core/snapshot.ts";
import type { Authorization, HerokuApp } from "../../src/sandbox/heroku/state.ts";
import { tokenAccepted } from "../../src/sandbox/heroku/state.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { CLAIMS } from "../../src/vendors/infisical/shapes.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import type { Run } from "./crew.ts";
import type { Sending } from "./network.ts";

const OLD = RAXX.currentAuthorization;
const KEY = "HEROKU_API_KEY";

/** Holds what happens against the promises, with the vendors' own truth at hand. */
export interface Oracle {
  /** A process sends a write although the run is another's (P8). */
  sentByStranger(sending: Sending): void;
  /** A vendor has carried out a request of ours. */
  landed(sending: Sending): void;
  /** Somebody else has done something at a vendor. */
  disturbed(): void;
  /** A person has had a key ended at once: what holds it breaks, and that was the wish. */
  brokeGlass(): void;
  /** A run has come to its end, or to a wait that nobody ends. */
  rested(run: Run): void;
  /** All is over. */
  over(runs: readonly Run[]): void;
  readonly violations: readonly string[];
}

/** What an oracle looks at. */
export interface Watched {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly now: () => number;
  readonly runs: () => readonly Run[];
}

/** Begins to watch. */
export function oracleOf(watched: Watched): Oracle {
  const { sandbox, memory, now } = watched;
  const violations: string[] = [];
  const violated = (promise: string, what: string) => {
    const text = `${promise}: ${what}`;
    if (!violations.includes(text)) violations.push(text);
  };
  /** Keys that died, and whether we did it. */
  const ended = new Map<string, "us" | "others">();
  let living = livingIn(sandbox, now());
  const before = new Set(living);
  let disturbedAt = Number.NEGATIVE_INFINITY;
  let glass = false;
  /** When we last wrote the repository's secret, in whole seconds: GitHub tells changes no finer. */
  let written = Number.NaN;
  /** What the vault holds by somebody else's hand. */
  let theirs: string | undefined;
  let vault = vaultValue(sandbox);
  let sameSecond = false;

  const notice = (by: "us" | "others", sending?: Sending): void => {
    const lives = livingIn(sandbox, now());
    for (const id of living) {
      if (lives.has(id)) continue;
      ended.set(id, by);
      if (by === "us" && sending) judgeEnd(id, sending);
    }
    living = lives;
    const value = vaultValue(sandbox);
    if (value !== vault) theirs = by === "others" ? value : undefined;
    vault = value;
    if (by === "us") judgeVault();
  };

  const judgeEnd = (id: string, sending: Sending): void => {
    const tags = watched.runs().map(({ tag }) => tag);
    const one = sandbox.heroku.authorizations.find((other) => other.id === id) as Authorization;
    if (id !== OLD && !tags.some((tag) => one.description.endsWith(tag)))
      violated("P10", `ended ${one.description}, which is somebody else's`);
    if (glass) return;
    // What others do after the last look began cannot be seen by it: no one can look and act in one moment.
    const begun = Date.parse(lastSweep(memory) ?? "");
    if (disturbedAt >= begun) return;
    for (const place of holdersOf(sandbox, one.token, sameSecond))
      violated("P2", `${sending.method} ended a key that ${place} holds`);
    const held = vaultValue(sandbox);
    if (!accepted(sandbox, held, now()) && !diedByOthers(held))
      violated("P1", "a key was ended while the vault holds none that works");
  };

  const diedByOthers = (value: string | undefined): boolean => {
    if (value === theirs) return true;
    const owner = sandbox.heroku.authorizations.find(({ token }) => token === value);
    return owner === undefined ? Number.isFinite(disturbedAt) : ended.get(owner.id) === "others";
  };

  /** P1, HK-11: at every moment the vault holds a key that works, unless somebody else took care of that. */
  const judgeVault = (): void => {
    const value = vaultValue(sandbox);
    if (accepted(sandbox, value, now()) || diedByOthers(value) || glass) return;
    violated("P1", "the vault holds no key that works");
  };

  return {
    violations,
    brokeGlass: () => {
      glass = true;
    },
    sentByStranger: ({ worker, method, path }) =>
      violated("P8", `${worker.name} sent ${method} ${path} for a run that is another's`),
    landed: (sending) => {
      const entry = sandbox.control.journal.list().at(-1);
      if (entry?.effect === "write" && !entry.path.includes("login")) {
        if (entry.method === "PUT") written = secondOf(entry.at);
        const steps = watched.runs().flatMap((run) => stepsThatWrite(run, entry));
        if (steps.length === 0) violated("P10", `${entry.method} ${entry.path} is in no plan`);
        else if (
          !memory.audit.some((one) => one.action.endsWith(".intended") && steps.includes(one.step ?? ""))
        )
          violated("P9", `${entry.method} ${entry.path} was not announced`);
        notice("us", sending);
      }
    },
    disturbed: () => {
      // Somebody's write in the second of ours cannot be told from it: the grade `receipt` shows no more than that.
      if (secondOf(now()) === written) sameSecond = true;
      // By our own clock, like the steps' times: the vendors' may differ.
      disturbedAt = Date.now();
      notice("others");
    },
    rested: (run) =>
      judgeRest(run, { sandbox, memory, now, violated, calm: !Number.isFinite(disturbedAt), glass }),
    over: (runs) => {
      judgeVault();
      judgeStranded(runs, { sandbox, memory, now, violated, before });
      judgePlain(sandbox, memory, runs, violated);
    },
  };
}

type Violated = (promise: string, what: string) => void;

interface Rest extends Pick<Watched, "sandbox" | "memory" | "now"> {
  readonly violated: Violated;
  /** Nobody else has done anything. */
  readonly calm: boolean;
  readonly glass: boolean;
}

/** P4 and the states of the vendors that each end of a run stands for. */
function judgeRest(run: Run, { sandbox, memory, now, violated, calm, glass }: Rest): void {
  const record = memory.runs.get(run.id);
  if (record?.trouble?.code === "INTERNAL") violated("P11", record.trouble.message);
  if (run.plan.snapshot.flow !== "rotate") return;
  const lives = livingIn(sandbox, now());
  const value = vaultValue(sandbox);
  const holds = sandbox.heroku.authorizations.find(({ token }) => token === value);
  if (record?.status === "completed") {
    const old = calm ? OLD : record.old?.id;
    if (old !== undefined && lives.has(old)) violated("P4", "completed, and the old key lives");
    if (!memory.rotations.some((one) => one.run === run.id))
      violated("P9", "completed without a row in the log");
    if (calm && !holds?.description.endsWith(run.tag))
      violated("P4", "completed, and the vault holds another key");
    if (calm)
      for (const place of holdersOf(sandbox, tokenOf(sandbox, OLD)))
        violated("P2", `completed, and ${place} holds the old key`);
  }
  if (record?.endedAt !== undefined && record.status !== "completed" && calm && !glass) {
    if (!lives.has(OLD)) violated("P1", `${record.status}, and the old key is dead`);
    if (holds?.id !== OLD) violated("P1", `${record.status}, and the vault does not hold the old key`);
  }
  if (
    record?.endedAt !== undefined &&
    memory.sealed.some((one) => one.run === run.id && !one.purpose.startsWith("pasted"))
  )
    violated("P7", "a sealed value outlives its run");
  if ((record?.status === "held" || record?.status === "failed") && !record.trouble?.next)
    violated("X-14", "no next step");
}

/** P3: what a run created is canonical, dead, or owed. */
function judgeStranded(
  runs: readonly Run[],
  { sandbox, memory, now, violated, before }: Omit<Rest, "calm" | "glass"> & { before: ReadonlySet<string> },
): void {
  const open = runs.some((run) => memory.runs.get(run.id)?.endedAt === undefined);
  // A run that found it says so, and nothing is created beside it until somebody has looked.
  const named = runs.some((run) => memory.runs.get(run.id)?.trouble?.code === "DUPLICATE_UNCLEAR");
  if (open || named || memory.owed.size > 0) return;
  const value = vaultValue(sandbox);
  const current = memory.generations
    .filter(({ state }) => state === "current")
    .map((one) => one.credential.id);
  for (const id of livingIn(sandbox, now())) {
    const one = sandbox.heroku.authorizations.find((other) => other.id === id) as Authorization;
    if (!before.has(id) && one.token !== value && !current.includes(id))
      violated("P3", `${one.description} is stranded`);
  }
}

/** P7: no value in anything that is kept. */
function judgePlain(sandbox: Sandbox, memory: MemoryRecord, runs: readonly Run[], violated: Violated): void {
  const { sealed: _sealed, refuseAudit: _refuse, ...rest } = memory;
  const kept = JSON.stringify([
    Object.values(rest).map((part) => (part instanceof Map || part instanceof Set ? [...part] : part)),
    runs.map((run) => [run.plan, [...run.kept.slots.values()]]),
  ]);
  for (const { token, description } of sandbox.heroku.authorizations)
    if (kept.includes(token)) violated("P7", `the value of ${description} is in the record`);
}

function secondOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

function livingIn({ heroku }: Sandbox, now: number): Set<string> {
  return new Set(
    heroku.authorizations.filter((one) => tokenAccepted(heroku, one.token, now)).map(({ id }) => id),
  );
}

function tokenOf({ heroku }: Sandbox, id: string): string {
  return heroku.authorizations.find((one) => one.id === id)?.token ?? "";
}

function accepted({ heroku }: Sandbox, value: string | undefined, now: number): boolean {
  return value !== undefined && tokenAccepted(heroku, value, now);
}

/** What the vault holds for the secret. */
function vaultValue({ infisical }: Sandbox): string | undefined {
  for (const { secrets, folders } of infisical.projects) {
    const claims = new Set(folders.filter(({ name }) => name === CLAIMS).map(({ id }) => id));
    const found = secrets.find((one) => one.key === KEY && !claims.has(one.folderId));
    if (found) return found.versions.at(-1)?.value;
  }
  return undefined;
}

/** Every place at the vendors that holds this value and would use it: entries, variables, running processes and jobs. */
function holdersOf(
  { infisical, github, heroku }: Sandbox,
  token: string,
  withoutRepository = false,
): readonly string[] {
  const found: string[] = [];
  for (const { secrets } of infisical.projects)
    for (const one of secrets) if (one.versions.at(-1)?.value === token) found.push(`the vault's ${one.key}`);
  for (const repository of github.repositories) {
    const holders = [repository.dependabot, repository.codespaces, ...repository.environments];
    for (const holder of withoutRepository ? holders : [repository, ...holders])
      for (const one of holder.secrets) if (one.value === token) found.push(`a secret of ${repository.name}`);
    for (const run of repository.runs)
      if (run.status !== "completed" && Object.values(run.held).includes(token)) found.push("a job");
  }
  for (const app of heroku.apps) found.push(...holdersIn(app, token));
  return found;
}

function holdersIn(app: HerokuApp, token: string): readonly string[] {
  const current = app.releases.findLast(({ status }) => status === "succeeded");
  const places = Object.values(current?.config ?? {}).includes(token)
    ? [`the configuration of ${app.name}`]
    : [];
  const running = [...app.dynos, ...app.retiring].filter(({ env }) => Object.values(env).includes(token));
  return [...places, ...running.map(({ name }) => `${name} of ${app.name}`)];
}

/** When the last look at all copies before an end began. */
function lastSweep({ steps }: MemoryRecord): string | undefined {
  const begun = [...steps.values()]
    .filter(({ id, state }) => ["revoke", "end-new", "tidy"].includes(id) && state !== "pending")
    .map(({ startedAt }) => startedAt ?? "");
  return begun.sort().at(-1);
}

/** The steps of a run's plan and of its way back that may write this. */
function stepsThatWrite(
  { plan }: Run,
  { vendor, method, path }: { readonly vendor: string; readonly method: string; readonly path: string },
): readonly string[] {
  if (vendor === "infisical") return method === "POST" ? ["claim"] : ["store", "restore/vault"];
  const copy = copiesOf(plan.snapshot).find((one) => one.vendor === vendor && path.includes(placeOf(one)));
  if (copy) return [`propagate/${copy.id}`, `restore/${copy.id}`];
  if (method === "POST" && path === "/oauth/authorizations") return ["mint"];
  if (method !== "DELETE" || !path.startsWith("/oauth/authorizations/")) return [];
  return [
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
}

function placeOf({ config }: CopySnapshot): string {
  return String(config["appId"] ?? config["repository"]);
}
