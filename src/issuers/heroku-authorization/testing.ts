import type { Issuer } from "../../core/issuer.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { clockOf, secretsOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { HerokuAuthorizationConfig } from "./config.ts";
import { herokuAuthorization } from "./issuer.ts";

/** The tag of these tests' run. */
export const TAG = "lk-7f3a91";
/** What they mint. */
export const INTENT = { tag: TAG, description: "raxx-ci-rotation-{YYYY-MM}" };

/** What only Heroku's own replies carry. */
export const OWN = { "request-id": "x" };

/** The configuration of these tests. */
export const CONFIG = {
  account: "kris@moosequest.net",
  description: "raxx-ci-rotation-{YYYY-MM}",
  known: [{ id: "0ef029d2", description: "billing collector" }],
  apps: Object.entries(RAXX.apps).map(([name, id]) => ({ name, id })),
};

/** A sandbox under a virtual clock with an issuer of its account's authorizations. */
export async function authorizationWorld() {
  const world = await testSandbox();
  const { control } = world.sandbox;
  const tokenOf = (id: string) => secretsOf({ token: control.estate().heroku.tokens[id] ?? "" });
  return {
    ...world,
    control,
    tokenOf,
    /** The value that a rotation would replace. */
    old: tokenOf(RAXX.currentAuthorization),
    authorization(id: string) {
      const found = world.sandbox.heroku.authorizations.find((one) => one.id === id);
      if (!found) throw new Error("no such authorization");
      return found;
    },
    /** An issuer that is searched for every token there is by now; its calls are made with that of `access`. */
    connect(
      change: Partial<HerokuAuthorizationConfig> = {},
      access: string = RAXX.currentAuthorization,
    ): Issuer {
      const { tokens } = control.estate().heroku;
      const send = (request: Request) => world.sandbox.fetch("heroku", request);
      const deps = {
        client: heroku.connect(testConnection(send, world.clock, { token: tokens[access] ?? "" })),
        fingerprint: testFingerprint,
        clock: clockOf(world.clock),
      };
      const config = herokuAuthorization.config.parse({ ...CONFIG, ...change });
      return watched(herokuAuthorization.connect(config, deps), Object.values(tokens));
    },
    /** Mints, and gives the credential with its values. */
    async minted(issuer: Issuer) {
      const outcome = await issuer.mint(INTENT);
      if (outcome.is !== "done") throw new Error(outcome.trouble.message);
      return outcome.value;
    },
  };
}

/** The world of these tests. */
export type AuthorizationWorld = Awaited<ReturnType<typeof authorizationWorld>>;
