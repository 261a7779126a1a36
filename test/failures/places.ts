import { RAXX } from "../../src/sandbox/raxx.ts";
import { END, MINT, STORES, VAULT_WRITE } from "../flow/expectations.ts";
import { type Run, SECRET, type World, type WorldOptions } from "../flow/world.ts";

/** Requests of one kind. */
export interface Route {
  readonly vendor: "heroku" | "github" | "infisical";
  readonly method?: string;
  readonly route?: string;
}

/** Where in a rotation something goes wrong: a step of the plan, or one of the way back. */
export interface Place {
  /** As the document calls it. */
  readonly name: string;
  /** The step by which it is told that the place is reached. */
  readonly step: string;
  /** What goes out there that changes something; trouble begins with the first of it, else with the first request. */
  readonly writes?: readonly Route[];
  /** What else is asked there, where steps go on side by side; everything where absent. */
  readonly asks?: readonly Route[];
  readonly options?: WorldOptions;
  /** Set for places that ask no vendor. */
  readonly quiet?: true;
  readonly back?: "undo" | "rollback";
}

const CLAIM: readonly Route[] = [
  { vendor: "infisical", method: "POST", route: "/api/v2/folders" },
  { vendor: "infisical", method: "POST", route: "/api/v4/secrets/:key" },
];
const github = STORES.find((one) => one.name === "github")?.write;
if (!github) throw new Error("the stores of the example have no github");

function app(name: keyof typeof RAXX.apps): Pick<Place, "writes" | "asks"> {
  const route = `/apps/${RAXX.apps[name]}`;
  return {
    writes: [{ vendor: "heroku", method: "PATCH", route: `${route}/config-vars` }],
    asks: [{ vendor: "heroku", route: `${route}*` }],
  };
}

/** Whoever waits for four hours asks a thousand times; ten minutes show the same. */
export const SHORT_DRAIN: WorldOptions = {
  change: (config) => {
    const one = config.secrets[SECRET];
    if (one) one.drain = "10m";
    return config;
  },
};

const GITHUB = "github:raxx-app/TradeMasterAPI:HEROKU_API_KEY";
const STAGING = "heroku:raxx-api-staging:HEROKU_API_KEY";
const PROD = "heroku:raxx-api-prod:HEROKU_API_KEY";

/** The steps of the plan for heroku-api-key, in its order; one app stands for the other one of its wave. */
export const THERE: readonly Place[] = [
  { name: "check", step: "check" },
  { name: "identify", step: "identify" },
  { name: "claim, the first time", step: "claim", writes: CLAIM, options: { unclaimed: true } },
  { name: "claim, later", step: "claim" },
  { name: "mint", step: "mint", writes: [MINT] },
  { name: "validate", step: "validate" },
  { name: "store", step: "store", writes: [VAULT_WRITE] },
  { name: "propagate github", step: `propagate/${GITHUB}`, writes: [github] },
  { name: "propagate heroku, first wave", step: `propagate/${STAGING}`, ...app("raxx-api-staging") },
  { name: "propagate heroku, last wave", step: `propagate/${PROD}`, ...app("raxx-api-prod") },
  { name: "soak", step: "soak", quiet: true },
  { name: "drain", step: "drain", options: SHORT_DRAIN },
  { name: "requests", step: "requests", quiet: true },
  { name: "tidy", step: "tidy" },
  { name: "revoke, the look before", step: "revoke" },
  { name: "revoke, the end of the old key", step: "revoke", writes: [END] },
  { name: "prove-dead", step: "prove-dead" },
  { name: "record", step: "record", quiet: true },
];

/** The ways back: what a run undoes by itself before the first store write, and a rollback from the wait for jobs. */
export const BACK: readonly Place[] = [
  { name: "undo of mint", step: "mint", writes: [END], back: "undo" },
  { name: "restore heroku, last wave", step: `restore/${PROD}`, ...app("raxx-api-prod"), back: "rollback" },
  {
    name: "restore heroku, first wave",
    step: `restore/${STAGING}`,
    ...app("raxx-api-staging"),
    back: "rollback",
  },
  { name: "restore github", step: `restore/${GITHUB}`, writes: [github], back: "rollback" },
  { name: "restore the vault", step: "restore/vault", writes: [VAULT_WRITE], back: "rollback" },
  { name: "end-new, the look before", step: "end-new", back: "rollback" },
  { name: "end-new, the end of the new key", step: "end-new", writes: [END], back: "rollback" },
];

/** Whether the run is there now. */
export function isAt(w: World, run: Run, place: Place): boolean {
  if (place.back === "undo") {
    const ended = w.memory.runs.get(run.id)?.endedAt !== undefined;
    return (
      !ended && w.memory.audit.some((one) => one.run === run.id && one.action.endsWith(".undo.intended"))
    );
  }
  return ["acting", "proving"].includes(run.step(place.step)?.state ?? "");
}
