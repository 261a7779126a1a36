import type { Trouble } from "../../core/errors.ts";
import { done, type NotDone, type Outcome, refused } from "../../core/outcome.ts";
import type { Holding } from "../../core/store.ts";
import { failed } from "../../vendors/heroku/app.ts";
import type { App, ConfigVars } from "../../vendors/heroku/shapes.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { HerokuConfigVarConfig } from "./config.ts";
import { type Deps, placeOf, problem } from "./place.ts";

/** Calls at a time. */
const AT_ONCE = 8;

/**
 * The config vars of every app that the access can read, whatever they are called (DR-15), and those that a pending release
 * brings. An app that it may not read is left out.
 */
export async function survey(
  config: HerokuConfigVarConfig,
  deps: Deps,
): Promise<Outcome<readonly Holding[]>> {
  const apps = await deps.client.apps();
  if (apps.is !== "done") return outcomeOf(apps);
  if (!apps.value.some(({ id }) => id === config.appId)) {
    return refused(
      problem(
        "VENDOR_TARGET_MISSING",
        `${config.app} is not among the ${apps.value.length} apps that Heroku lists`,
        "a list without the app that is declared is not the whole one",
        `lockstep test <secret>    after you have given the account access to it; heroku access -a ${config.app} shows who has it`,
      ),
    );
  }
  const read = new Map<string, readonly Holding[]>();
  const waiting = [...apps.value];
  let failure: NotDone | undefined;
  const work = async () => {
    for (let app = waiting.pop(); app && failure === undefined; app = waiting.pop()) {
      const found = await holdingsOf(config, deps, app);
      if (found.is === "done") read.set(app.id, found.value);
      else failure ??= found;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failure ?? done(apps.value.flatMap(({ id }) => read.get(id) ?? []));
}

async function holdingsOf(
  config: HerokuConfigVarConfig,
  deps: Deps,
  app: App,
): Promise<Outcome<readonly Holding[]>> {
  const { client } = deps;
  const named = { ...config, app: app.name };
  // Asked first: a release that ends in between is in force by the time the values are read.
  const releases = await client.releases(app.id);
  if (releases.is !== "done" && !isHidden(releases)) return failed(named, releases);
  const vars = await client.configVars(app.id);
  if (vars.is !== "done") {
    // The declared app shows that this access reads values at all: if not even that, none of the others tells anything.
    const skipped = isHidden(vars) && app.id !== config.appId;
    return skipped ? done([]) : failed(named, vars);
  }
  const found = [...holdingsIn(vars.value, deps, app)];
  const pending = releases.is === "done" ? releases.value.filter(({ status }) => status === "pending") : [];
  for (const { version } of pending) {
    const coming = await client.releaseConfigVars(app.id, version);
    if (coming.is !== "done") return failed(named, coming);
    const there = new Set(found.map(({ place, fingerprint }) => `${place} ${fingerprint}`));
    const brought = holdingsIn(coming.value, deps, app).filter(
      ({ place, fingerprint }) => !there.has(`${place} ${fingerprint}`),
    );
    found.push(...brought.map((one) => ({ ...one, underWay: `release v${version} is pending` })));
  }
  return done(found);
}

/** What Heroku lets this access know of, and not look at. */
function isHidden({ trouble }: { readonly trouble: Trouble }): boolean {
  return trouble.code === "VENDOR_PERMISSION";
}

function holdingsIn(vars: ConfigVars, { fingerprint }: Deps, app: App): readonly Holding[] {
  return Object.entries(vars).flatMap(([name, value]) => {
    // Equal values have equal fingerprints, whatever their field is called.
    const { value: print } = fingerprint({ value });
    value.wipe();
    return print === undefined ? [] : [{ place: placeOf(app.name, name), fingerprint: print }];
  });
}
