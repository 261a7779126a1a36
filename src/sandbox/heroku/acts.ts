import type { ValueSource } from "../estate.ts";
import { uuid } from "../random.ts";
import type { World } from "../world.ts";
import { createAuthorization, regenerate } from "./authorizations.ts";
import { createRelease } from "./lifecycle.ts";
import { emptyApp, newAddon, newFormation, pastRelease } from "./new-app.ts";
import { log, restartDynos, runOneOff, scaleDynos, stopDynos } from "./processes.ts";
import {
  type AppAccess,
  type CrashRule,
  currentRelease,
  type HerokuApp,
  type HerokuState,
  type Permission,
} from "./state.ts";

/** Something that happens at Heroku by other hands; apps are named by name or id. */
export type HerokuAct = AccountAct | AppAct | CreateAppAct;

type AccountAct =
  | {
      act: "create-authorization";
      description: string;
      scope: string[];
      lifetimeSeconds?: number;
      /** Whether it belongs to a login of the CLI. */
      session?: boolean;
    }
  | { act: "edit-authorization"; id: string; description?: string; scope?: string[] }
  | { act: "delete-authorization" | "expire-authorization" | "regenerate-authorization"; id: string }
  | { act: "set-pool"; remaining: number }
  /** Ends every token of the account, or the API key of its settings page alone, which gets a new one either way. */
  | { act: "heroku.password-reset"; kills?: "all" | "api-key" };

interface CreateAppAct {
  act: "heroku.create-app";
  name: string;
  config?: Record<string, ValueSource>;
  /** Quantity by process type; one web dyno where absent. */
  processes?: Record<string, number>;
}

type AppAct =
  | { act: "set-config-var"; app: string; name: string; value: ValueSource | null }
  | { act: "restart-dynos"; app: string; dyno?: string }
  | { act: "log"; app: string; text: string; dyno?: string }
  | { act: "heroku.preboot"; app: string; on: boolean; windowSeconds?: number }
  | { act: "heroku.run"; app: string; command: string; forSeconds?: number; type?: "run" | "scheduler" }
  /** Ends one-off dynos and restarts others, as `heroku ps:stop` does. */
  | { act: "heroku.stop"; app: string; dyno: string }
  /** Runs the command now and then every so often; null stops it. */
  | {
      act: "heroku.schedule";
      app: string;
      command: string;
      everySeconds: number | null;
      forSeconds?: number;
    }
  /** From now on processes crash: always, while the variable differs from now, or where Heroku refuses it. */
  | {
      act: "heroku.crashing";
      app: string;
      processes?: string[];
      while?: CrashRule["while"] | "never";
      variable?: string;
      afterSeconds?: number;
    }
  /** An add-on comes to own the variable; its value stays unless one is given. */
  | { act: "heroku.attach-addon"; app: string; service: string; variable: string; value?: ValueSource }
  | { act: "heroku.detach-addon"; app: string; variable: string }
  /** Somebody deploys. */
  | { act: "heroku.release"; app: string; description?: string; pendingSeconds?: number; fails?: boolean }
  | { act: "heroku.rollback"; app: string; release: number }
  /** What the account may do with the app from now on. */
  | {
      act: "heroku.access";
      app: string;
      role: AppAccess["role"];
      team?: string | null;
      permissions?: Permission[];
    }
  | { act: "heroku.health"; app: string; variable?: string; failing?: boolean };

const ACCOUNT_ACTS: readonly string[] = [
  "create-authorization",
  "edit-authorization",
  "delete-authorization",
  "expire-authorization",
  "regenerate-authorization",
  "set-pool",
  "heroku.password-reset",
] satisfies AccountAct["act"][];

const OLDER_APP_ACTS: readonly string[] = [
  "set-config-var",
  "restart-dynos",
  "log",
] satisfies AppAct["act"][];

/** Whether an act happens at Heroku. */
export function isHerokuAct(act: { act: string }): act is HerokuAct {
  return act.act.startsWith("heroku.") || ACCOUNT_ACTS.includes(act.act) || OLDER_APP_ACTS.includes(act.act);
}

function isAccountAct(act: HerokuAct): act is AccountAct {
  return ACCOUNT_ACTS.includes(act.act);
}

/** What acts need beside the state. */
interface Hands {
  world: World;
  resolve(source: ValueSource): string;
}

/** Performs an act; throws where it names something that does not exist. */
export function performHeroku(state: HerokuState, act: HerokuAct, hands: Hands): { id?: string } {
  if (isAccountAct(act)) return performOnAccount(state, act, hands.world);
  if (act.act === "heroku.create-app") return { id: createApp(state, act, hands).id };
  const app = state.apps.find((one) => one.name === act.app || one.id === act.app);
  if (!app) throw new Error(`there is no ${act.app}`);
  return performOnApp(state, app, act, hands);
}

function performOnAccount(state: HerokuState, act: AccountAct, world: World): { id?: string } {
  if (act.act === "set-pool") {
    state.pool = { remaining: act.remaining, at: world.now() };
    return {};
  }
  if (act.act === "heroku.password-reset") {
    for (const one of state.authorizations) {
      if (one.isDefault) regenerate(one, world);
      else if (act.kills !== "api-key") one.tokenRevokedAt ??= world.now();
    }
    return {};
  }
  if (act.act === "create-authorization") {
    const { description, scope, lifetimeSeconds } = act;
    const lifetimeMs = lifetimeSeconds === undefined ? null : lifetimeSeconds * 1000;
    const made = createAuthorization(state, { description, scope, lifetimeMs }, world);
    if (act.session === true) made.sessionId = uuid(world.random);
    return { id: made.id };
  }
  const found = state.authorizations.find((one) => one.id === act.id);
  if (!found) throw new Error(`there is no ${act.id}`);
  if (act.act === "delete-authorization") found.deletedAt = world.now();
  if (act.act === "expire-authorization") found.expiresAt = world.now();
  if (act.act === "regenerate-authorization") regenerate(found, world);
  if (act.act === "edit-authorization") {
    found.description = act.description ?? found.description;
    found.scope = act.scope ?? found.scope;
  }
  found.updatedAt = world.now();
  return { id: found.id };
}

function createApp(state: HerokuState, act: CreateAppAct, { world, resolve }: Hands): HerokuApp {
  const at = world.now();
  const app = emptyApp(uuid(world.random), act.name, at);
  const config = Object.fromEntries(
    Object.entries(act.config ?? {}).map(([name, source]) => [name, resolve(source)]),
  );
  const plan = { version: 1, description: "Initial release", slugId: uuid(world.random), config, at };
  app.releases.push(pastRelease(plan, world));
  app.formation = Object.entries(act.processes ?? { web: 1 }).map(([type, quantity]) =>
    newFormation({ type, quantity, size: "standard-1X", command: `bin/${type}` }, at, world),
  );
  scaleDynos(app, at, world);
  state.apps.push(app);
  return app;
}

function performOnApp(state: HerokuState, app: HerokuApp, act: AppAct, hands: Hands): { id?: string } {
  const { world } = hands;
  const at = world.now();
  switch (act.act) {
    case "log":
      log(app, at, "app", act.dyno ?? "web.1", act.text);
      return {};
    case "restart-dynos":
      restartDynos(app, (one) => act.dyno === undefined || one.name === act.dyno, at, world);
      return {};
    case "heroku.preboot":
      app.preboot = act.on;
      app.prebootMs = act.windowSeconds === undefined ? app.prebootMs : act.windowSeconds * 1000;
      return {};
    case "heroku.run": {
      const { command, type = "run", forSeconds } = act;
      const lastsMs = forSeconds === undefined ? state.settings.oneOffMs : forSeconds * 1000;
      return { id: runOneOff(app, { command, type, lastsMs }, at, world).id };
    }
    case "heroku.stop":
      if (!app.dynos.some((one) => one.name === act.dyno)) throw new Error(`there is no ${act.dyno}`);
      stopDynos(app, (one) => one.name === act.dyno, at, world);
      return {};
    case "heroku.schedule":
      return schedule(app, act, world);
    case "heroku.crashing":
      setCrashing(app, act, at);
      return {};
    case "heroku.access":
      setAccess(app, act, at, world);
      return {};
    case "heroku.health":
      app.health.variable = act.variable ?? app.health.variable;
      app.health.failing = act.failing ?? app.health.failing;
      return {};
    default:
      return { id: release(app, act, hands).id };
  }
}

type Of<K extends AppAct["act"]> = Extract<AppAct, { act: K }>;

function schedule(app: HerokuApp, act: Of<"heroku.schedule">, world: World): { id?: string } {
  app.schedules = app.schedules.filter((one) => one.command !== act.command);
  if (act.everySeconds === null) return {};
  const id = uuid(world.random);
  const everyMs = Math.max(1, act.everySeconds) * 1000;
  const lastsMs = (act.forSeconds ?? 60) * 1000;
  app.schedules.push({ id, command: act.command, everyMs, lastsMs, nextAt: world.now() });
  return { id };
}

function setCrashing(app: HerokuApp, act: Of<"heroku.crashing">, since: number): void {
  const processes = act.processes ?? null;
  const kind = act.while ?? "always";
  app.crashing = app.crashing.filter(
    (rule) => processes !== null && rule.processes?.join() !== processes.join(),
  );
  if (kind === "never") return;
  const variable = act.variable ?? "HEROKU_API_KEY";
  const good = currentRelease(app).config[variable] ?? null;
  const afterMs = (act.afterSeconds ?? 0) * 1000;
  app.crashing.push({ processes, while: kind, variable, good, afterMs, since });
}

function setAccess(app: HerokuApp, act: Of<"heroku.access">, since: number, world: World): void {
  const { role, team, permissions = [] } = act;
  const kept = team === undefined ? app.access.team : null;
  const named = typeof team === "string" ? { id: uuid(world.random), name: team } : kept;
  app.access = { team: named, role, permissions, since };
}

type ReleaseAct = Of<
  "set-config-var" | "heroku.attach-addon" | "heroku.detach-addon" | "heroku.release" | "heroku.rollback"
>;

function release(app: HerokuApp, act: ReleaseAct, { world, resolve }: Hands): { id: string } {
  if (act.act === "set-config-var") {
    const value = act.value === null ? null : resolve(act.value);
    const description = `${value === null ? "Remove" : "Set"} ${act.name} config vars`;
    return createRelease(app, { description, changes: { [act.name]: value } }, world);
  }
  if (act.act === "heroku.attach-addon") {
    const addon = newAddon(act.service, [act.variable], world.now(), world);
    app.addons.push(addon);
    const changes = act.value === undefined ? {} : { [act.variable]: resolve(act.value) };
    return createRelease(app, { description: `Attach ${act.variable} (@ref:${addon.name})`, changes }, world);
  }
  if (act.act === "heroku.detach-addon") {
    app.addons = app.addons.filter((one) => !one.configVars.includes(act.variable));
    const changes = { [act.variable]: null };
    return createRelease(app, { description: `Detach ${act.variable}`, changes }, world);
  }
  if (act.act === "heroku.rollback") {
    const back = app.releases.find((one) => one.version === act.release && one.status === "succeeded");
    if (!back) throw new Error(`there is no release ${act.release} to go back to`);
    const { config, slugId } = back;
    return createRelease(app, { description: `Rollback to v${back.version}`, config, slugId }, world);
  }
  const { description = "Deploy", pendingSeconds, fails = false } = act;
  const phase = pendingSeconds === undefined ? {} : { pendingMs: pendingSeconds * 1000 };
  return createRelease(app, { description, slugId: uuid(world.random), fails, ...phase }, world);
}
