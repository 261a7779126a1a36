import { describe, it } from "vitest";
import { testStore } from "../../conformance/suites.ts";
import { doorOf } from "../../conformance/testing/sandbox.ts";
import { alphanumeric } from "../../sandbox/random.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { seededRandom, testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { herokuConfigVar } from "./store.ts";

const APP = "raxx-api-prod";
const FIELDS = { token: "HEROKU_API_KEY", second: "HEROKU_API_SECOND" };

/** A text a field, which the seed alone decides. */
function texts(seed: string): Record<string, string> {
  const random = seededRandom(seed);
  return Object.fromEntries(Object.keys(FIELDS).map((field) => [field, alphanumeric(random, 40)]));
}

const [FIRST = {}, NEXT = {}, OTHER = {}] = ["first", "next", "other"].map(texts);

async function world() {
  const sandboxed = await testSandbox();
  const { sandbox } = sandboxed;
  const put = (values: Readonly<Record<string, string>>) => {
    for (const [field, name] of Object.entries(FIELDS))
      sandbox.control.act({ act: "set-config-var", app: APP, name, value: { text: values[field] ?? "" } });
  };
  put(FIRST);
  await sandboxed.clock.advance(3_600_000);
  const held = () => sandbox.heroku.apps.find(({ name }) => name === APP)?.releases.at(-1)?.config ?? {};
  return {
    ...doorOf(sandboxed, "heroku"),
    config: herokuConfigVar.config.parse({ app: APP, appId: RAXX.apps[APP], fields: FIELDS }),
    targetId: RAXX.apps[APP],
    credential: { token: sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "" },
    next: NEXT,
    other: OTHER,
    copies: Object.keys(RAXX.apps).length,
    held: () =>
      Object.fromEntries(Object.entries(FIELDS).map(([field, name]) => [field, held()[name] ?? ""])),
    put,
  };
}

describe("conformance", () => {
  for (const { name, run } of testStore(herokuConfigVar, { vendor: heroku, world })) it(name, run);
});
