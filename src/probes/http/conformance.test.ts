import { describe, it } from "vitest";
import { testProbe } from "../../conformance/suites.ts";
import { doorOf } from "../../conformance/testing/sandbox.ts";
import { alphanumeric } from "../../sandbox/random.ts";
import { seededRandom, testSandbox } from "../../sandbox/testing.ts";
import { web } from "../../vendors/web/client.ts";
import { httpProbe } from "./probe.ts";

const APP = "raxx-api-prod";
const KEY = alphanumeric(seededRandom("a key in a query"), 32);
const GUARD = alphanumeric(seededRandom("an access proxy's"), 32);

/** A page of an app of the sandbox, with what is so there and what is not. */
function worldOf(path: string, json: Record<string, boolean> | undefined, put: (so: boolean) => object[]) {
  return async () => {
    const sandboxed = await testSandbox();
    const { sandbox } = sandboxed;
    const { baseUrl, ...door } = doorOf(sandboxed, "heroku");
    return {
      ...door,
      baseUrl: `${baseUrl}/_apps/${APP}`,
      config: httpProbe.config.parse({ path: `${path}?key=${KEY}`, ...(json && { json }) }),
      credential: {},
      headers: { "x-access": GUARD },
      beside: { key: KEY },
      put: (so: boolean) => {
        for (const act of put(so)) sandbox.control.act(act as Parameters<typeof sandbox.control.act>[0]);
      },
      truth: () => JSON.stringify(sandbox.heroku.apps),
    };
  };
}

const trading = worldOf("/health/trading", { live_enabled: true }, (so) => [
  { act: "set-config-var", app: APP, name: "TRADING_LIVE_DISABLED", value: { text: so ? "0" : "1" } },
]);

const health = worldOf("/health", undefined, (so) => [{ act: "heroku.health", app: APP, failing: !so }]);

describe("[X-09] conformance of a probe by a field", () => {
  for (const { name, run } of testProbe(httpProbe, { vendor: web, world: trading })) it(name, run);
});

describe("[X-09] conformance of a probe by its status", () => {
  for (const { name, run } of testProbe(httpProbe, { vendor: web, world: health })) it(name, run);
});
