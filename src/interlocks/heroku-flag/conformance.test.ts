import { describe, it } from "vitest";
import { testInterlock } from "../../conformance/suites.ts";
import { doorOf } from "../../conformance/testing/sandbox.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { herokuFlag } from "./interlock.ts";
import { APP, FLAG, meaningOf } from "./testing.ts";

async function world() {
  const sandboxed = await testSandbox();
  const { sandbox } = sandboxed;
  // With a release phase, what is stored is not in force for a while.
  sandbox.control.set({
    apps: { [APP]: { releaseCommand: "python manage.py migrate", releasePhaseMs: 20_000 } },
  });
  const app = () => {
    const found = sandbox.heroku.apps.find(({ name }) => name === APP);
    if (found === undefined) throw new Error("no app");
    return found;
  };
  const set = (text: string) =>
    void sandbox.control.act({ act: "set-config-var", app: APP, name: FLAG, value: { text } });
  const { SECRET_KEY = "", HEROKU_API_KEY = "" } = app().releases.at(-1)?.config ?? {};
  return {
    ...doorOf(sandboxed, "heroku"),
    config: herokuFlag.config.parse({ app: APP, appId: RAXX.apps[APP], name: FLAG }),
    targetId: RAXX.apps[APP],
    credential: { token: sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "" },
    beside: { SECRET_KEY, HEROKU_API_KEY },
    position: () => meaningOf(app().releases.at(-1)?.config[FLAG]),
    consulted() {
      const seen = new Set([...app().dynos, ...app().retiring].map(({ env }) => meaningOf(env[FLAG])));
      return seen.size === 1 ? ([...seen][0] ?? "unknown") : "unknown";
    },
    put: (position: "closed" | "open") => set(position === "closed" ? "1" : "0"),
    jam: () => set("perhaps"),
  };
}

describe("conformance", () => {
  for (const { name, run } of testInterlock(herokuFlag, { vendor: heroku, world })) it(name, run);
});
