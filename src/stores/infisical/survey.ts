import { done, type NotDone, type Outcome } from "../../core/outcome.ts";
import type { Holding } from "../../core/store.ts";
import { isDenied } from "../../vendors/infisical/caller.ts";
import { type Entry, type Place, within } from "../../vendors/infisical/shapes.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { InfisicalConfig } from "./config.ts";
import { type Deps, placeOf } from "./look.ts";

/**
 * Every secret of the project that this identity can read, in any environment and path (DR-15); claims are left out. Where
 * it may not read, it is not there for this identity; any other failure fails the survey, for half of one shows nothing.
 */
export async function survey(config: InfisicalConfig, deps: Deps): Promise<Outcome<readonly Holding[]>> {
  const project = await deps.client.project(config.project);
  if (project.is !== "done" && !isDenied(project)) return outcomeOf(project);
  const environments = project.is === "done" ? project.value.environments : [config.environment];
  const found: Holding[] = [];
  for (const environment of environments) {
    const stopped = await gather({ project: config.project, environment, path: "/" }, config, deps, found);
    if (stopped !== undefined) return stopped;
  }
  return done(found);
}

/** Adds what lies in a folder and below it; undefined when that succeeded. */
async function gather(
  place: Place,
  config: InfisicalConfig,
  deps: Deps,
  found: Holding[],
): Promise<NotDone | undefined> {
  const entries = await deps.client.entries(place);
  if (entries.is === "done") {
    found.push(...entries.value.map((entry) => holdingOf(place.environment, entry, deps)));
    return undefined;
  }
  // A folder that another environment does not have, or that was just removed.
  if (entries.said?.status === 404 && place.path !== "/") return undefined;
  if (!isDenied(entries)) return outcomeOf(entries);
  const below = await foldersOf(place, config, deps);
  if (below.is !== "done") return below;
  for (const name of below.value) {
    const stopped = await gather({ ...place, path: within(place.path, name) }, config, deps, found);
    if (stopped !== undefined) return stopped;
  }
  return undefined;
}

/** Where a folder may not be read as a whole: those in it, or, if it may not be listed either, the one on the way to the entry. */
async function foldersOf(
  place: Place,
  config: InfisicalConfig,
  { client }: Deps,
): Promise<Outcome<readonly string[]>> {
  const listed = await client.folders(place);
  if (listed.is === "done") return listed;
  if (!isDenied(listed)) return outcomeOf(listed);
  const way = place.path === "/" ? "/" : `${place.path}/`;
  const next = config.path.startsWith(way) ? config.path.slice(way.length).split("/")[0] : undefined;
  return done(next ? [next] : []);
}

function holdingOf(environment: string, { path, key, value }: Entry, deps: Deps): Holding {
  const { token = "" } = deps.fingerprint({ token: value });
  // Most of what a survey reads is nobody's secret but ordinary words, which would be taken out of every text from now on.
  value.wipe();
  return { place: placeOf(environment, path, key), fingerprint: token };
}
