import type { ErrorCode } from "../../core/errors.ts";
import type { Proof } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Receipt } from "../../core/store.ts";
import { between, durationText } from "../../core/time.ts";
import type { Dyno, Processes, ProcessType } from "../../vendors/heroku/app-shapes.ts";
import type { Release } from "../../vendors/heroku/shapes.ts";
import type { Answer, Failure } from "../../vendors/reply.ts";
import type { HerokuConfigVarConfig } from "./config.ts";
import { type Deps, failed, heldIn, holds, namesIn, problem, releaseLog, targetOf } from "./place.ts";
import { hitchIn, LOOK_EVERY, namesOf, PREBOOT_MS, standing } from "./processes.ts";

type Config = HerokuConfigVarConfig;

/**
 * Whether the write stands and the app runs with it (HK-21): its release succeeded, no process of an older one remains, all
 * are up for long enough by Heroku's clock, the value reads back, and the declared health URL answers. What can be seen
 * of releases and processes comes first: the caller asks again every few seconds while they settle.
 */
export async function prove(config: Config, deps: Deps, receipt: Receipt, values: Values): Promise<Proof> {
  const { client } = deps;
  const [releases, processes] = await Promise.all([
    client.releases(config.appId),
    client.dynos(config.appId),
  ]);
  if (releases.is !== "done") return unseen(config, releases);
  if (processes.is !== "done") return unseen(config, processes);
  const release = await decisive(config, deps, Number(receipt.version ?? "0"), releases.value);
  if (release.is !== "done") return unseen(config, release);
  const { version } = release.value;
  const hitch =
    inRelease(config, release.value) ??
    inProcesses(config, processes.value, version, deps.steadyMs) ??
    (await inValue(config, deps, version, values)) ??
    (await inFormation(config, deps, processes.value)) ??
    (await inPreboot(config, deps, processes.value));
  if (hitch !== undefined) return hitch;
  const health = config.health === undefined ? undefined : await client.health(config.health);
  if (health !== undefined && health.is !== "well")
    return notYet(`${config.app}: ${health.says}`, "it is not shown to work with the new value");
  const parts = [
    `release v${version} of ${config.app} succeeded`,
    `${targetOf(config)} reads back the value`,
    running(standing(processes.value.dynos).length, deps.steadyMs),
    ...(health === undefined ? [] : [health.says]),
  ];
  return { is: "proved", at: deps.clock.now(), says: sentence(parts) };
}

/** Whether every process that was started before the write has ended, one-off ones included (HK-23). */
export async function drained(config: Config, deps: Deps, receipt: Receipt): Promise<Proof> {
  const processes = await deps.client.dynos(config.appId);
  if (processes.is !== "done") return unseen(config, processes);
  const version = Number(receipt.version ?? Number.POSITIVE_INFINITY);
  const older = processes.value.dynos.filter((one) => one.version < version && one.state !== "down");
  const holding = await withoutValue(config, deps, older, receipt);
  if (holding.is !== "done") return unseen(config, holding);
  if (holding.value.length === 0) {
    const says = `No process of ${config.app} was started before the value was there`;
    return { is: "proved", at: deps.clock.now(), says };
  }
  return {
    is: "unknown",
    trouble: problem(
      "DRAIN_UNFINISHED",
      `Started on ${config.app} before the write and still running: ${namesOf(holding.value)}`,
      "a process keeps the value that it was started with until it ends",
      `lockstep rotate <secret>    once it has ended; heroku ps:stop ${holding.value[0]?.name} -a ${config.app} ends it`,
    ),
  };
}

/** Those whose own release does not hold the value: a release before the receipt's may, where the value was found there. */
async function withoutValue(
  config: Config,
  { client, fingerprint }: Deps,
  dynos: readonly Dyno[],
  receipt: Receipt,
): Promise<Answer<readonly Dyno[]>> {
  const found: Dyno[] = [];
  for (const version of new Set(dynos.map((one) => one.version))) {
    const vars = await client.releaseConfigVars(config.appId, version, namesIn(config));
    if (vars.is !== "done" && vars.is !== "refused") return vars;
    const held = vars.is === "done" ? heldIn(config, vars.value) : undefined;
    const prints = held && fingerprint(held);
    const same = Object.keys(config.fields).every((field) => prints?.[field] === receipt.fingerprints[field]);
    if (!same) found.push(...dynos.filter((one) => one.version === version));
  }
  return { is: "done", value: found };
}

/** A release, or one that Heroku does not show yet. */
type Seen = Pick<Release, "version" | "status">;

/**
 * The release whose end decides whether the receipt's value is in force: the latest, or the receipt's own where a later
 * one has already ended, so that somebody's failed deploy after our write does not count against it.
 */
async function decisive(
  config: Config,
  { client }: Deps,
  version: number,
  releases: readonly Release[],
): Promise<Answer<Seen>> {
  const [latest] = releases;
  if (latest === undefined || latest.version < version)
    return { is: "done", value: { version, status: "not shown yet" } };
  if (version === 0 || latest.version === version || latest.status === "pending")
    return { is: "done", value: latest };
  const own = releases.find((one) => one.version === version);
  return own === undefined ? client.release(config.appId, version) : { is: "done", value: own };
}

function inRelease(config: Config, { version, status }: Seen): Proof | undefined {
  if (status === "succeeded") return undefined;
  const found = `Release v${version} of ${config.app}`;
  if (status !== "failed" && status !== "expired")
    return notYet(`${found} is ${status}`, "the old value is in force until its release phase has ended");
  const because = "Heroku keeps the release before it, with the value that was there";
  const next = `lockstep rotate <secret>    once you know why; ${releaseLog(config, version)} shows it`;
  return refutedBy("DESTINATION_UNPROVED", `${found} ${status}`, because, next);
}

function inProcesses(
  { app }: Config,
  processes: Processes,
  version: number,
  steadyMs: number,
): Proof | undefined {
  const hitch = hitchIn(processes, version, steadyMs);
  if (hitch === undefined) return undefined;
  const found = `Release v${version} of ${app} succeeded, but ${hitch.says}`;
  if (hitch.is === "not yet") {
    const proof = notYet(found, "the app is not shown to run with the new value");
    return hitch.forMs === undefined ? proof : { ...proof, askAgainMs: Math.min(hitch.forMs, LOOK_EVERY) };
  }
  const because = "the app does not run with the new value";
  return refutedBy(
    "CONSUMER_CRASHED",
    found,
    because,
    `lockstep rotate <secret>    once you know why; heroku logs -a ${app} shows it`,
  );
}

async function inValue(
  config: Config,
  { client }: Deps,
  version: number,
  values: Values,
): Promise<Proof | undefined> {
  const vars = await client.configVars(config.appId, namesIn(config));
  if (vars.is !== "done") return unseen(config, vars);
  if (holds(config, vars.value, values)) return undefined;
  const back = heldIn(config, vars.value) === undefined ? "nothing" : "another value";
  const found = `Release v${version} of ${config.app} succeeded, but ${targetOf(config)} reads back ${back}`;
  return notYet(found, "somebody else may have changed it");
}

/** Processes that should be there and are not listed: only a list that is whole shows that none is missing. */
async function inFormation(
  config: Config,
  { client }: Deps,
  { dynos }: Processes,
): Promise<Proof | undefined> {
  const formation = await client.formation(config.appId);
  if (formation.is !== "done") return unseen(config, formation);
  const listed = (type: string) => standing(dynos).filter((one) => one.type === type).length;
  const short = formation.value.find(({ type, quantity }: ProcessType) => listed(type) < quantity);
  if (short === undefined) return undefined;
  const found = `${config.app} is to run ${short.quantity} × ${short.type}, and ${listed(short.type)} is listed`;
  return notYet(found, "one that is not listed cannot be shown to run with the new value");
}

/** Old web processes that preboot keeps going are not listed (preboot article), so only time shows that they are gone. */
async function inPreboot(
  config: Config,
  { client }: Deps,
  { at, dynos }: Processes,
): Promise<Proof | undefined> {
  const young = standing(dynos).filter(
    ({ type, createdAt }) => type === "web" && between(createdAt, at) < PREBOOT_MS,
  );
  if (young.length === 0) return undefined;
  const preboot = await client.preboot(config.appId);
  if (preboot.is !== "done" && preboot.is !== "refused") return unseen(config, preboot);
  // What Heroku will not tell is taken for on, which only means a longer wait.
  if (preboot.is === "done" && !preboot.value) return undefined;
  const limit = durationText(PREBOOT_MS);
  const found = `Preboot may keep old web processes of ${config.app} going for ${limit} after the start of ${namesOf(young)}`;
  return notYet(found, "they hold the old value and still answer requests");
}

function unseen(config: Config, failure: Failure): Proof {
  const { is, trouble } = failed(config, failure);
  return { is: is === "refused" ? "refuted" : "unknown", trouble };
}

function notYet(found: string, because: string): Extract<Proof, { is: "unknown" }> {
  return { is: "unknown", trouble: problem("DESTINATION_UNPROVED", found, because) };
}

function refutedBy(code: ErrorCode, found: string, because: string, next: string): Proof {
  return { is: "refuted", trouble: problem(code, found, because, next) };
}

function running(count: number, steadyMs: number): string {
  if (count === 0) return "no process runs that would have to take it up";
  const up = `${count} ${count === 1 ? "process is" : "processes are"} up with it`;
  return steadyMs === 0 ? up : `${up} for ${durationText(steadyMs)} or more`;
}

function sentence(parts: readonly string[]): string {
  const [first = "", ...rest] = parts;
  return [`${first.slice(0, 1).toUpperCase()}${first.slice(1)}`, ...rest].join(", ");
}
