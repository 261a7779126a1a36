import type { ErrorCode } from "../../core/errors.ts";
import type { Proof } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Receipt } from "../../core/store.ts";
import { durationText } from "../../core/time.ts";
import { failed, lingering, releaseLog, startedWithout, unlisted } from "../../vendors/heroku/app.ts";
import type { Dyno, Processes } from "../../vendors/heroku/app-shapes.ts";
import { hitchIn, LOOK_EVERY, namesOf, standing } from "../../vendors/heroku/processes.ts";
import type { Release } from "../../vendors/heroku/shapes.ts";
import type { Answer, Failure } from "../../vendors/reply.ts";
import type { HerokuConfigVarConfig } from "./config.ts";
import { type Deps, heldIn, holds, namesIn, problem, targetOf } from "./place.ts";

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
    (await inStart(config, deps, receipt, processes.value)) ??
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

/** Whether every process that was started without the value has ended, one-off ones included (HK-23). */
export async function drained(config: Config, deps: Deps, receipt: Receipt): Promise<Proof> {
  const processes = await deps.client.dynos(config.appId);
  if (processes.is !== "done") return unseen(config, processes);
  const running = processes.value.dynos.filter(({ state }) => state !== "down");
  const kept = new Set(standing(running));
  const version = Number(receipt.version ?? Number.POSITIVE_INFINITY);
  // What is kept running on a later release is there because of what the app holds by now, and that is looked at for itself.
  const asked = running.filter((one) => one.version < version || !kept.has(one));
  const holding = await startedOtherwise(config, deps, receipt, asked);
  if (holding.is !== "done") return unseen(config, holding);
  if (holding.value.length === 0) {
    const says = `No process of ${config.app} was started before the value was there`;
    return { is: "proved", at: deps.clock.now(), says };
  }
  return {
    is: "unknown",
    trouble: problem(
      "DRAIN_UNFINISHED",
      `Started on ${config.app} without the value and still running: ${namesOf(holding.value)}`,
      "a process keeps the value that it was started with until it ends",
      `lockstep rotate <secret>    once it has ended; heroku ps:stop ${holding.value[0]?.name} -a ${config.app} ends it`,
    ),
  };
}

/**
 * Of these processes those that were started without the receipt's value, by their own releases: one before the receipt's may
 * hold it, where it was found there, and a later one, a rollback, may not. Only our own write's release needs no question: the
 * number beside a value that was found may be older than the value.
 */
async function startedOtherwise(
  config: Config,
  deps: Deps,
  receipt: Receipt,
  dynos: readonly Dyno[],
): Promise<Answer<readonly Dyno[]>> {
  const own = receipt.wrote ? Number(receipt.version ?? "0") : undefined;
  const others = dynos.filter(({ version }) => version !== own);
  return startedWithout(config, deps.client, others, {
    names: namesIn(config),
    holds: (vars) => {
      const held = heldIn(config, vars);
      const prints = held && deps.fingerprint(held);
      return Object.keys(config.fields).every((field) => prints?.[field] === receipt.fingerprints[field]);
    },
  });
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

async function inStart(
  config: Config,
  deps: Deps,
  receipt: Receipt,
  { dynos }: Processes,
): Promise<Proof | undefined> {
  const found = await startedOtherwise(config, deps, receipt, standing(dynos));
  if (found.is !== "done") return unseen(config, found);
  if (found.value.length === 0) return undefined;
  return notYet(
    `Started on ${config.app} without the value: ${namesOf(found.value)}`,
    "a process keeps the value that it was started with until it ends",
  );
}

async function inFormation(
  config: Config,
  { client }: Deps,
  processes: Processes,
): Promise<Proof | undefined> {
  const found = await unlisted(config, client, processes);
  if (found.is !== "done") return unseen(config, found);
  return found.value === undefined
    ? undefined
    : notYet(found.value, "one that is not listed cannot be shown to run with the new value");
}

async function inPreboot(config: Config, { client }: Deps, processes: Processes): Promise<Proof | undefined> {
  const found = await lingering(config, client, processes);
  if (found.is !== "done") return unseen(config, found);
  return found.value === undefined
    ? undefined
    : notYet(found.value, "they hold the old value and still answer requests");
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
