import type { Store } from "../../core/store.ts";
import type { HerokuAct } from "../../sandbox/heroku/acts.ts";
import { alphanumeric } from "../../sandbox/random.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { seededRandom, testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { clockOf, secretsOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { HerokuConfigVarConfig } from "./config.ts";
import { herokuConfigVar } from "./store.ts";

/** The app that the store of these tests writes to. */
export const APP = "raxx-api-prod";

const CONFIG = { app: APP, appId: RAXX.apps[APP], fields: { token: "HEROKU_API_KEY" } };

/** A text that no estate holds. */
export const TEXT = alphanumeric(seededRandom("new value"), 40);

/** What differs from the standing case. */
export interface Change extends Partial<HerokuConfigVarConfig> {
  readonly steadyMs?: number;
  /** The authorization whose token the calls are made with. */
  readonly access?: string;
  readonly fetch?: (request: Request, send: (request: Request) => Promise<Response>) => Promise<Response>;
}

/** A sandbox under a virtual clock with a store on one of its apps. */
export async function appWorld() {
  const world = await testSandbox();
  const { control } = world.sandbox;
  const send = (request: Request) => world.sandbox.fetch("heroku", request);
  const config = (change: Partial<HerokuConfigVarConfig> = {}) =>
    herokuConfigVar.config.parse({ ...CONFIG, ...change });
  const stateOf = (name: string) => {
    const found = world.sandbox.heroku.apps.find((one) => one.name === name);
    if (!found) throw new Error("no app");
    return found;
  };
  return {
    ...world,
    control,
    config,
    app: (name = APP) => stateOf(name),
    act: (act: HerokuAct) => control.act(act),
    /** How many requests the vendor has seen; the app's own page is not one of them. */
    calls: () => control.journal.list().filter(({ path }) => !path.startsWith("/_apps/")).length,
    /** A store that is searched for every value of the app. */
    connect({ steadyMs = 0, access, fetch, ...change }: Change = {}): Store {
      const token = control.estate().heroku.tokens[access ?? RAXX.currentAuthorization] ?? "";
      const through = fetch === undefined ? send : (request: Request) => fetch(request, send);
      const deps = {
        client: heroku.connect(testConnection(through, world.clock, { token })),
        fingerprint: testFingerprint,
        clock: clockOf(world.clock),
        copy: "prod",
        steadyMs,
      };
      const held = Object.values(stateOf(APP).releases.at(-1)?.config ?? {}).filter((one) => one.length > 20);
      return watched(herokuConfigVar.connect(config(change), deps), [token, TEXT, ...held]);
    },
    /** Writes, and gives the receipt. */
    async written(store: Store, text = TEXT) {
      const outcome = await store.write(secretsOf({ token: text }));
      if (outcome.is !== "done") throw new Error(outcome.trouble.message);
      return outcome.value;
    },
  };
}

/** The world of these tests. */
export type AppWorld = Awaited<ReturnType<typeof appWorld>>;
