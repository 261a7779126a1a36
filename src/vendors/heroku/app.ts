import { z } from "zod";
import type { NotDone } from "../../core/outcome.ts";
import { between, durationText } from "../../core/time.ts";
import { type Answer, type Failure, outcomeOf } from "../reply.ts";
import type { Dyno, Processes, ProcessType } from "./app-shapes.ts";
import type { HerokuClient } from "./client.ts";
import { namesOf, PREBOOT_MS, standing } from "./processes.ts";
import type { App, ConfigVars, Release } from "./shapes.ts";

/** An app as configurations name it. */
export interface NamedApp {
  /** Its name, for people; calls are made with the UUID. */
  readonly app: string;
  readonly appId: string;
}

/** Checks those two fields. */
export const namedApp = {
  app: z.string().regex(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/, { error: "an app's name" }),
  appId: z.guid(),
};

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Checks where an app itself says that it is well; asked without a credential. */
export const healthUrl = z
  .string()
  .refine(isHealthUrl, { error: "an https URL (or http on loopback), no user in it" });

function isHealthUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const safe = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  return safe && username === "" && password === "";
}

/** The newest release that succeeded, which is the one whose config vars are in force; newest first in the list. */
export function inForce(releases: readonly Release[]): Release | undefined {
  return releases.find(({ status }) => status === "succeeded");
}

/** The command that shows a release's log. */
export function releaseLog({ app }: NamedApp, version: number): string {
  return `heroku releases:output v${version} -a ${app}`;
}

/** A call's failure that names the app: calls are made with its UUID, and their routes name neither. */
export function failed({ app }: NamedApp, failure: Failure): NotDone {
  const outcome = outcomeOf(failure);
  const { trouble } = outcome;
  return { ...outcome, trouble: { ...trouble, message: `${app}: ${trouble.message}` } };
}

/** Why this is not the declared app, if it is not; its releases name it, which saves a call (P6). */
export async function misnamed(
  { app, appId }: NamedApp,
  client: HerokuClient,
  releases: readonly Release[],
): Promise<Answer<string | undefined>> {
  const named = releases[0]?.app;
  const found: Answer<App> = named ? { is: "done", value: named } : await client.app(appId);
  if (found.is !== "done") return found;
  const { id, name } = found.value;
  const right = id === appId && name === app;
  return {
    is: "done",
    value: right ? undefined : `App ${appId} is called ${name}, not ${app} as configured`,
  };
}

/** Processes that should be there and are not listed, in words: only a list that is whole shows that none is missing. */
export async function unlisted(
  { app, appId }: NamedApp,
  client: HerokuClient,
  { dynos }: Processes,
): Promise<Answer<string | undefined>> {
  const formation = await client.formation(appId);
  if (formation.is !== "done") return formation;
  const listed = (type: string) => standing(dynos).filter((one) => one.type === type).length;
  const short = formation.value.find(({ type, quantity }: ProcessType) => listed(type) < quantity);
  const says =
    short && `${app} is to run ${short.quantity} × ${short.type}, and ${listed(short.type)} is listed`;
  return { is: "done", value: says };
}

/** Old web processes that may go on, in words: those that preboot keeps are not listed (preboot article), so only time shows that they are gone. */
export async function lingering(
  { app, appId }: NamedApp,
  client: HerokuClient,
  { at, dynos }: Processes,
): Promise<Answer<string | undefined>> {
  const young = standing(dynos).filter(
    ({ type, createdAt }) => type === "web" && between(createdAt, at) < PREBOOT_MS,
  );
  if (young.length === 0) return { is: "done", value: undefined };
  const preboot = await client.preboot(appId);
  if (preboot.is !== "done" && preboot.is !== "refused") return preboot;
  // What Heroku will not tell is taken for on, which only means a longer wait.
  if (preboot.is === "done" && !preboot.value) return { is: "done", value: undefined };
  const limit = durationText(PREBOOT_MS);
  const says = `Preboot may keep old web processes of ${app} going for ${limit} after the start of ${namesOf(young)}`;
  return { is: "done", value: says };
}

/** Of these processes those whose own release does not hold what it should, also where that release cannot be read. */
export async function startedWithout(
  { appId }: NamedApp,
  client: HerokuClient,
  dynos: readonly Dyno[],
  { names, holds }: { readonly names: readonly string[]; holds(vars: ConfigVars): boolean },
): Promise<Answer<readonly Dyno[]>> {
  const found: Dyno[] = [];
  for (const version of new Set(dynos.map((one) => one.version))) {
    const vars = await client.releaseConfigVars(appId, version, names);
    if (vars.is !== "done" && vars.is !== "refused") return vars;
    const same = vars.is === "done" && holds(vars.value);
    if (!same) found.push(...dynos.filter((one) => one.version === version));
  }
  return { is: "done", value: found };
}
