import { type Act, type ActResult, perform } from "./acts.ts";
import { createFaults, type Fault, type Faults, type StandingFault } from "./faults.ts";
import type { States } from "./found.ts";
import type { GithubSettings } from "./github/state.ts";
import type { HerokuApp, HerokuSettings } from "./heroku/state.ts";
import { writeJwt } from "./infisical/jwt.ts";
import type { InfisicalSettings } from "./infisical/state.ts";
import { createRequestJournal, type RequestJournal } from "./journal.ts";
import type { MailSettings } from "./mail/state.ts";
import { RAXX } from "./raxx.ts";
import type { SlackSettings } from "./slack/state.ts";
import { type Truth, tellTruth } from "./truth.ts";
import type { VendorName, World } from "./world.ts";

/** What may be changed about the vendors' behaviour; absent fields stay as they are. */
export interface Settings {
  /** Milliseconds before each request is looked at, for all vendors or by vendor. */
  latencyMs?: number | Partial<Record<VendorName, number>>;
  heroku?: Partial<HerokuSettings> & { federated?: boolean; suspended?: boolean };
  /** By app name or id. */
  apps?: Record<
    string,
    Partial<Pick<HerokuApp, "releaseCommand" | "releasePhaseMs" | "releaseFails" | "dynoStartMs">>
  >;
  github?: Partial<GithubSettings>;
  infisical?: Partial<InfisicalSettings> & {
    generation?: "v3" | "v4";
    accessTokenTtlSeconds?: number;
    enforceCapitalization?: boolean;
  };
  slack?: Partial<SlackSettings>;
  mail?: Partial<MailSettings>;
}

/** What a client needs to use the estate; the only thing here that holds values. */
interface EstateAccess {
  heroku: {
    account: string;
    accountId: string;
    apps: { id: string; name: string }[];
    /** Tokens by authorization id, those of deleted authorizations included. */
    tokens: Record<string, string>;
  };
  github: { repositories: { id: number; owner: string; name: string }[]; tokens: Record<string, string> };
  infisical: {
    projects: { id: string; slug: string; environments: string[] }[];
    /** Universal-auth credentials by identity name. */
    identities: Record<string, { id: string; clientId: string; clientSecret: string }>;
    /** A person's token, for routes that machine identities may not use. */
    userToken: string;
    /** Headers that the access proxy in front wants, if there is one. */
    headers: Record<string, string>;
  };
  slack: {
    team: { id: string; name: string };
    /** By name; the bot of Lockstep is `lockstep`. */
    bots: Record<string, { id: string; userId: string; token: string }>;
    /** Ids and addresses of people by name. */
    users: Record<string, { id: string; email: string }>;
  };
  /** Passwords by user name. */
  mail: { accounts: Record<string, string> };
  /** Where the pages of an address are at Heroku's door: `https://api.raxx.app` at `/_apps/raxx-api-prod`. */
  pages: Record<string, string>;
}

/** Everything that can be done to a sandbox from outside its vendors' APIs. */
export interface Control {
  addFault(fault: Fault): StandingFault;
  removeFault(id: number): boolean;
  clearFaults(): void;
  faults(): StandingFault[];
  readonly journal: RequestJournal;
  /** Changes behaviour. */
  set(settings: Settings): void;
  settings(): Settings;
  /** Something happens at a vendor by other hands. */
  act(act: Act): ActResult;
  /** What is true, without values. */
  truth(): Truth;
  /** What clients need to use the estate. */
  estate(): EstateAccess;
  /** Resolves once effects of late replies have happened. */
  idle(): Promise<void>;
}

/** The control of a sandbox and the parts that its vendors' pipelines use. */
export interface ControlParts {
  control: Control;
  faults: Faults;
  journal: RequestJournal;
  latencyMs(vendor: VendorName): number;
  background(work: Promise<unknown>): void;
}

const ADDRESSES: Readonly<Record<string, readonly string[]>> = RAXX.addresses;

/** Creates the control over these states. */
export function createControl(
  states: States,
  world: World,
  hooks: { settle(): void; changed(): void },
): ControlParts {
  const faults = createFaults();
  const journal = createRequestJournal();
  const latency: Record<VendorName, number> = { heroku: 0, github: 0, infisical: 0, slack: 0, mail: 0 };
  let pending = 0;
  const waiting: (() => void)[] = [];
  const control: Control = {
    addFault: (fault) => faults.add(fault, world.now()),
    removeFault: (id) => faults.remove(id),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    journal,
    set(settings) {
      hooks.settle();
      applySettings(states, latency, settings, world);
      hooks.changed();
    },
    settings: () => currentSettings(states, latency),
    act(act) {
      hooks.settle();
      const result = perform(states, act, world);
      hooks.changed();
      return result;
    },
    truth() {
      hooks.settle();
      return tellTruth(states, world.now());
    },
    estate: () => estateAccess(states, world),
    async idle() {
      while (pending > 0) await new Promise<void>((wake) => void waiting.push(wake));
    },
  };
  const background = (work: Promise<unknown>) => {
    pending += 1;
    const ended = () => {
      pending -= 1;
      if (pending === 0) for (const wake of waiting.splice(0)) wake();
    };
    work.then(ended, ended);
  };
  return { control, faults, journal, latencyMs: (vendor) => latency[vendor], background };
}

function applySettings(
  states: States,
  latency: Record<VendorName, number>,
  settings: Settings,
  world: World,
): void {
  const { latencyMs, heroku, apps, github, infisical, slack, mail } = settings;
  if (typeof latencyMs === "number")
    for (const vendor of Object.keys(latency)) Object.assign(latency, { [vendor]: latencyMs });
  else Object.assign(latency, latencyMs);
  if (heroku) {
    const { federated, suspended, ...rest } = heroku;
    if (federated !== undefined) states.heroku.account.federated = federated;
    if (suspended !== undefined) states.heroku.account.suspendedAt = suspended ? world.now() : null;
    Object.assign(states.heroku.settings, rest);
  }
  for (const [name, change] of Object.entries(apps ?? {})) {
    const app = states.heroku.apps.find((one) => one.name === name || one.id === name);
    if (!app) throw new Error(`there is no app ${name}`);
    const { releaseCommand, releasePhaseMs, releaseFails, dynoStartMs } = { ...app, ...change };
    Object.assign(app, { releaseCommand, releasePhaseMs, releaseFails, dynoStartMs });
  }
  Object.assign(states.github.settings, github);
  Object.assign(states.slack.settings, slack);
  Object.assign(states.mail.settings, mail);
  if (infisical) {
    const { generation, accessTokenTtlSeconds, enforceCapitalization, ...rest } = infisical;
    if (generation !== undefined) states.infisical.generation = generation;
    for (const one of states.infisical.identities)
      one.accessTokenTtlSeconds = accessTokenTtlSeconds ?? one.accessTokenTtlSeconds;
    for (const one of states.infisical.projects)
      one.enforceCapitalization = enforceCapitalization ?? one.enforceCapitalization;
    Object.assign(states.infisical.settings, rest);
  }
}

function currentSettings(states: States, latency: Record<VendorName, number>): Settings {
  const { heroku, github, infisical } = states;
  return {
    latencyMs: { ...latency },
    heroku: {
      ...heroku.settings,
      federated: heroku.account.federated,
      suspended: heroku.account.suspendedAt !== null,
    },
    apps: Object.fromEntries(
      heroku.apps.map(({ name, releaseCommand, releasePhaseMs, releaseFails, dynoStartMs }) => [
        name,
        { releaseCommand, releasePhaseMs, releaseFails, dynoStartMs },
      ]),
    ),
    github: { ...github.settings },
    infisical: { ...infisical.settings, generation: infisical.generation },
    slack: { ...states.slack.settings },
    mail: { ...states.mail.settings },
  };
}

function estateAccess(states: States, world: World): EstateAccess {
  const { heroku, github, infisical, slack, mail } = states;
  const { proxy } = infisical.settings;
  const iat = Math.floor(world.now() / 1000);
  const headers = proxy
    ? { "CF-Access-Client-Id": proxy.clientId, "CF-Access-Client-Secret": proxy.clientSecret }
    : {};
  return {
    heroku: {
      account: heroku.account.email,
      accountId: heroku.account.id,
      apps: heroku.apps.map(({ id, name }) => ({ id, name })),
      tokens: Object.fromEntries(heroku.authorizations.map((one) => [one.id, one.token])),
    },
    github: {
      repositories: github.repositories.map(({ id, owner, name }) => ({ id, owner, name })),
      tokens: Object.fromEntries(github.tokens.map((one) => [one.name, one.token])),
    },
    infisical: {
      projects: infisical.projects.map(({ id, slug, environments }) => ({
        id,
        slug,
        environments: environments.map((one) => one.slug),
      })),
      identities: Object.fromEntries(
        infisical.identities.map(({ id, name, clientId, clientSecrets }) => [
          name,
          { id, clientId, clientSecret: clientSecrets.find((one) => one.revokedAt === null)?.secret ?? "" },
        ]),
      ),
      // Signed when it is asked for, which is seldom.
      get userToken() {
        const userId = infisical.users[0]?.id ?? "";
        return writeJwt(infisical.signingKey, { userId, authTokenType: "accessToken", iat });
      },
      headers,
    },
    slack: {
      team: { id: slack.team.id, name: slack.team.name },
      bots: Object.fromEntries(
        slack.bots.map(({ id, userId, name, token }) => [name, { id, userId, token }]),
      ),
      users: Object.fromEntries(slack.users.map(({ id, name, email }) => [name, { id, email }])),
    },
    mail: { accounts: Object.fromEntries(mail.accounts.map((one) => [one.user, one.password])) },
    pages: Object.fromEntries(
      heroku.apps.flatMap(({ name }) =>
        [`https://${name}.herokuapp.com`, ...(ADDRESSES[name] ?? [])].map((one) => [one, `/_apps/${name}`]),
      ),
    ),
  };
}
