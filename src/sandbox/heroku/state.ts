/** Heroku as it truly is, values included; tests may read it, the control API shows it without values. */
export interface HerokuState {
  account: HerokuAccount;
  /** The account's request pool: one token a call, refilled over time. */
  pool: { remaining: number; at: number };
  authorizations: Authorization[];
  apps: HerokuApp[];
  logSessions: LogSession[];
  settings: HerokuSettings;
}

/** The one account that all authorizations belong to. */
interface HerokuAccount {
  id: string;
  email: string;
  name: string;
  federated: boolean;
  suspendedAt: number | null;
  createdAt: number;
}

/** Behaviour of Heroku that the vendor does not document or that differs by account. */
export interface HerokuSettings {
  /** Calls per hour, and the size of the pool. */
  poolSize: number;
  /** How much of a token lists show on either side of ten asterisks; the true lengths are unknown. */
  redaction: { prefix: number; suffix: number };
  /** How long a deleted token still works. */
  revocationDelayMs: number;
  /** How long a freshly minted token is not yet accepted. */
  mintDelayMs: number;
  /** Whether the list of dynos shows those that preboot keeps going; the vendor says that it does not. */
  prebootListsOld: boolean;
  /** How long a one-off dyno runs that was given no time to live. */
  oneOffMs: number;
  /** Cool-off before a crashed dyno starts again, after its first crash in a row, its second and so on; the last one repeats. */
  crashBackoffMs: number[];
}

/** An OAuth authorization; it stays here after its deletion, so that a stray copy can still be attributed. */
export interface Authorization {
  id: string;
  description: string;
  scope: string[];
  createdAt: number;
  updatedAt: number;
  tokenId: string;
  token: string;
  /** When this token was minted; differs from createdAt after regenerate-tokens. */
  tokenCreatedAt: number;
  expiresAt: number | null;
  /** Lifetime asked for at creation, used again by regenerate-tokens. */
  lifetimeMs: number | null;
  /** The account's own "API Key" authorization, answered at `~`. */
  isDefault: boolean;
  sessionId: string | null;
  deletedAt: number | null;
  tokenRevokedAt: number | null;
  formerTokens: { tokenId: string; token: string; endedAt: number }[];
}

/** An app with what it is configured with and what its dynos really hold. */
export interface HerokuApp {
  id: string;
  name: string;
  createdAt: number;
  /** Null where the app has no release phase. */
  releaseCommand: string | null;
  releasePhaseMs: number;
  /** Whether the release command fails from now on. */
  releaseFails: boolean;
  dynoStartMs: number;
  /** Whether old web dynos go on beside the new ones, and for how long. */
  preboot: boolean;
  prebootMs: number;
  addons: Addon[];
  releases: Release[];
  formation: Formation[];
  /** Those of the formation and one-off ones. */
  dynos: Dyno[];
  /** Web dynos that preboot keeps going, and that requests go to, until their end. */
  retiring: Dyno[];
  crashing: CrashRule[];
  schedules: Schedule[];
  access: AppAccess;
  health: AppHealth;
  log: LogLine[];
}

/** An add-on that an app owns; its config vars cannot be changed by hand. */
export interface Addon {
  id: string;
  name: string;
  service: string;
  configVars: string[];
  createdAt: number;
}

/** When processes of an app crash. */
export interface CrashRule {
  /** Process types; null for all of the formation. */
  processes: string[] | null;
  /** Always; while the variable is not what it was; or where Heroku refuses it when the process starts. */
  while: "always" | "new value" | "refused";
  variable: string;
  /** The value under which it runs; null for none. */
  good: string | null;
  /** How long a process is up before it crashes. */
  afterMs: number;
  since: number;
}

/** A command that is run time and again, each time in a one-off dyno of its own. */
interface Schedule {
  id: string;
  command: string;
  everyMs: number;
  lastsMs: number;
  nextAt: number;
}

/** What a team may let somebody do with an app (Heroku's app permissions). */
export type Permission = "view" | "deploy" | "operate" | "manage";

/** What the account may do with an app. */
export interface AppAccess {
  /** Null for a personal app. */
  team: { id: string; name: string } | null;
  role: "owner" | "admin" | "member" | "collaborator" | "none";
  /** Counted for members and collaborators of a team's app. */
  permissions: Permission[];
  since: number;
}

/** What the app's own health page depends on. */
interface AppHealth {
  /** The variable whose value Heroku has to accept. */
  variable: string;
  failing: boolean;
}

/** One release; `config` is what a dyno started from it receives. */
export interface Release {
  id: string;
  version: number;
  status: "pending" | "succeeded" | "failed";
  description: string;
  createdAt: number;
  updatedAt: number;
  slugId: string;
  config: Record<string, string>;
  /** Changes against the release before; applied again when the release phase ends. */
  changes: Record<string, string | null> | null;
  /** When the release phase ends; null once it has. */
  endsAt: number | null;
  /** Whether this one fails, whatever the app's release command does. */
  fails: boolean;
}

/** Quantity of dynos of a type. */
export interface Formation {
  id: string;
  type: string;
  quantity: number;
  size: string;
  command: string;
  updatedAt: number;
}

/** A running process with the environment it was started with. */
export interface Dyno {
  id: string;
  name: string;
  type: string;
  state: "starting" | "up" | "crashed";
  size: string;
  command: string;
  releaseId: string;
  version: number;
  env: Record<string, string>;
  createdAt: number;
  /** When its state last changed. */
  updatedAt: number;
  upAt: number;
  /** When it ends by itself: a one-off dyno, or an old one under preboot; null for one that is kept running. */
  endsAt: number | null;
  /** Crashes in a row, and when it starts again after the last. */
  crashes: number;
  restartAt: number | null;
}

/** A line of an app's log. */
export interface LogLine {
  at: number;
  source: "app" | "heroku";
  dyno: string;
  text: string;
}

/** A log session; its URL is itself a credential. */
export interface LogSession {
  id: string;
  appId: string;
  createdAt: number;
  lines: number;
  source: string | null;
  dyno: string | null;
  tail: boolean;
  key: string;
}

/** Whether this token was accepted at that time, and by which authorization. */
export function tokenOwner(
  state: HerokuState,
  token: string,
): { authorization: Authorization; former: boolean } | null {
  for (const authorization of state.authorizations) {
    if (authorization.token === token) return { authorization, former: false };
    if (authorization.formerTokens.some((former) => former.token === token))
      return { authorization, former: true };
  }
  return null;
}

/** Whether Heroku accepts this token at that time. */
export function tokenAccepted(state: HerokuState, token: string, at: number): boolean {
  const owner = tokenOwner(state, token);
  if (owner === null) return false;
  const { authorization } = owner;
  const delay = state.settings.revocationDelayMs;
  const former = authorization.formerTokens.find((one) => one.token === token);
  if (former) return at < former.endedAt + delay && beforeEnd(authorization.deletedAt, delay, at);
  if (at < authorization.tokenCreatedAt + state.settings.mintDelayMs) return false;
  if (authorization.expiresAt !== null && at >= authorization.expiresAt) return false;
  return beforeEnd(authorization.deletedAt, delay, at) && beforeEnd(authorization.tokenRevokedAt, delay, at);
}

function beforeEnd(endedAt: number | null, delay: number, at: number): boolean {
  return endedAt === null || at < endedAt + delay;
}

/** The release whose config is in force. */
export function currentRelease(app: HerokuApp): Release {
  const release = app.releases.findLast((one) => one.status === "succeeded");
  if (!release) throw new Error(`app ${app.name} has no release`);
  return release;
}

/** The config vars of an app that its add-ons own. */
export function addonVarsOf(app: HerokuApp): string[] {
  return app.addons.flatMap((one) => one.configVars);
}
