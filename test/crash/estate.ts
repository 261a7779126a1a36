import type { JournalEntry } from "../../src/sandbox/journal.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { Holding, Truth } from "../../src/sandbox/truth.ts";

const KEY = "HEROKU_API_KEY";
/** Where the vault holds it; beside it stands the claim, of the same name. */
const FOLDER = "/MooseQuest/heroku";

/** What was wrong at some moment, told when it was first seen. */
export interface Watch {
  /** Moments at which the vault, or any copy, held a key that does not work (P1, HK-11). */
  readonly dark: string[];
  /** How often the estate was looked at. */
  looks(): number;
}

/** The sandbox with a look at the whole estate after every request that may have changed it. */
export function watched(inner: Sandbox): { sandbox: Sandbox; watch: Watch } {
  const dark: string[] = [];
  let looks = 0;
  const look = (after: string) => {
    looks += 1;
    for (const { place, holds, works } of places(inner.control.truth()))
      if (!works) dark.push(`${place} held ${holds}, which is dead, after ${after}`);
  };
  const sandbox: Sandbox = {
    get heroku() {
      return inner.heroku;
    },
    get github() {
      return inner.github;
    },
    get infisical() {
      return inner.infisical;
    },
    slack: inner.slack,
    mail: inner.mail,
    smtp: inner.smtp,
    control: inner.control,
    fetch: async (vendor, request) => {
      const { method, url } = request;
      try {
        return await inner.fetch(vendor, request);
      } finally {
        if (method !== "GET") look(`${vendor} ${method} ${new URL(url).pathname}`);
      }
    },
  };
  return { sandbox, watch: { dark, looks: () => looks } };
}

/** Every place that holds the key, running processes included. */
function places(truth: Truth): (Holding & { readonly place: string })[] {
  const at = (place: string, held: Holding | undefined) =>
    held ? [{ place, holds: held.holds, works: held.works, former: held.former }] : [];
  return [
    ...at("vault", entryOf(truth)),
    ...truth.github.repositories.flatMap((one) => at(`github ${one.name}`, one.secrets[KEY])),
    ...truth.heroku.apps.flatMap((app) => [
      ...at(`heroku ${app.name}`, app.config[KEY]),
      ...app.dynos.flatMap((dyno) => at(`heroku ${app.name} ${dyno.name}`, dyno.env[KEY])),
    ]),
  ];
}

function entryOf(truth: Truth) {
  const all = truth.infisical.projects.flatMap((one) => one.secrets);
  return all.find(({ key, path }) => key === KEY && path === FOLDER);
}

/** What counts at the vendors before and after a run. */
export interface Estate {
  /** Id of the authorization that the vault holds. */
  readonly held: string;
  readonly places: ReturnType<typeof places>;
  readonly authorizations: Truth["heroku"]["authorizations"];
  readonly vaultVersion: number;
  readonly releases: Readonly<Record<string, number>>;
  /** Of the request journal. */
  readonly seq: number;
}

/** The estate as it is now. */
export function estateOf(sandbox: Sandbox): Estate {
  const truth = sandbox.control.truth();
  const all = places(truth);
  const vault = entryOf(truth);
  return {
    held: vault?.holds ?? "nothing",
    places: all,
    authorizations: truth.heroku.authorizations,
    vaultVersion: vault?.version ?? 0,
    releases: Object.fromEntries(truth.heroku.apps.map((app) => [app.name, app.release.version])),
    seq: sandbox.control.journal.list().at(-1)?.seq ?? 0,
  };
}

/** Requests of a run that changed something, oldest first. What people are told is no effect of a step. */
export function writesSince(sandbox: Sandbox, { seq }: Estate): readonly JournalEntry[] {
  const all = sandbox.control.journal.list({ effect: "write", since: seq });
  return all.filter(({ vendor }) => vendor !== "slack" && vendor !== "mail");
}
