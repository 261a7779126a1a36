import type { Vault } from "../../core/store.ts";
import { raxxEstate } from "../../sandbox/estate.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { infisical } from "../../vendors/infisical/client.ts";
import { clockOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { InfisicalConfig } from "./config.ts";
import { infisicalVault } from "./store.ts";

/** The entry of the estate. */
export const KEY = "HEROKU_API_KEY";
/** Its configuration. */
export const CONFIG = {
  project: RAXX.projectId,
  environment: "prod",
  path: "/MooseQuest/heroku",
  fields: { token: KEY },
};
/** Its place, as acts name it. */
export const AT = { environment: CONFIG.environment, path: CONFIG.path };

/** A sandbox with vaults that are searched for values. */
export async function vaultWorld(generation: "v3" | "v4", hidden: readonly string[] = []) {
  const world = await testSandbox({ estate: raxxEstate({ generation }) });
  const { control } = world.sandbox;
  const old = control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
  const connect = (change: Partial<InfisicalConfig> = {}, name = "lockstep"): Vault => {
    const { clientId = "", clientSecret = "" } = control.estate().infisical.identities[name] ?? {};
    const send = (request: Request) => world.sandbox.fetch("infisical", request);
    const headers = control.estate().infisical.headers;
    const deps = {
      client: infisical.connect(testConnection(send, world.clock, { clientId, clientSecret }, { headers })),
      fingerprint: testFingerprint,
      clock: clockOf(world.clock),
      copy: "vault",
      steadyMs: 0,
    };
    const config = infisicalVault.config.parse({ ...CONFIG, ...change });
    return watched(infisicalVault.connect(config, deps), [clientSecret, old, ...hidden]);
  };
  /** Requests since the last time, as `GET /path 200`; sign-ins are left out. */
  let seen = 0;
  const calls = () => {
    const all = control.journal.list().map(({ method, path, status }) => `${method} ${path} ${status}`);
    const fresh = all.slice(seen).filter((one) => !one.includes("/universal-auth/login"));
    seen = all.length;
    return fresh;
  };
  const writes = () => control.journal.list({ effect: "write" }).length;
  return { ...world, control, old, connect, calls, writes };
}
