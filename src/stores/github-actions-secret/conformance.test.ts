import { describe, it } from "vitest";
import { testStore } from "../../conformance/suites.ts";
import { doorOf } from "../../conformance/testing/sandbox.ts";
import { alphanumeric } from "../../sandbox/random.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { seededRandom, testSandbox } from "../../sandbox/testing.ts";
import { github } from "../../vendors/github/client.ts";
import { PROOF, REPOSITORY } from "./harness.ts";
import { githubActionsSecret } from "./store.ts";

const PAIR = { token: "HEROKU_API_KEY", second: "HEROKU_API_SECOND" };

/** A text a field, which the seed alone decides. */
function texts(fields: object, seed: string): Record<string, string> {
  const random = seededRandom(seed);
  return Object.fromEntries(Object.keys(fields).map((field) => [field, alphanumeric(random, 40)]));
}

function worldOf(fields: Readonly<Record<string, string>>, more: object = {}) {
  const [first = {}, next = {}, other = {}] = ["first", "next", "other"].map((seed) => texts(fields, seed));
  return async () => {
    const sandboxed = await testSandbox();
    const { sandbox } = sandboxed;
    const put = (values: Readonly<Record<string, string>>) => {
      for (const [field, name] of Object.entries(fields)) {
        const value = { text: values[field] ?? "" };
        sandbox.control.act({ act: "set-github-secret", repository: REPOSITORY, name, value });
      }
    };
    put(first);
    await sandboxed.clock.advance(3_600_000);
    const secrets = () => sandbox.github.repositories[0]?.secrets ?? [];
    return {
      ...doorOf(sandboxed, "github"),
      config: githubActionsSecret.config.parse({
        repository: REPOSITORY,
        repositoryId: RAXX.repositoryId,
        fields,
        ...more,
      }),
      targetId: String(RAXX.repositoryId),
      credential: { token: sandbox.control.estate().github.tokens["rotation"] ?? "" },
      next,
      other,
      held: () =>
        Object.fromEntries(
          Object.entries(fields).map(([field, name]) => [
            field,
            secrets().find((one) => one.name === name)?.value ?? "",
          ]),
        ),
      put,
    };
  };
}

describe("conformance, proved by receipt", () => {
  const world = worldOf(PAIR);
  for (const { name, run } of testStore(githubActionsSecret, { vendor: github, world })) it(name, run);
});

describe("conformance, proved by behaviour", () => {
  const world = worldOf({ token: "HEROKU_API_KEY" }, { proof: PROOF });
  // A job's proof changes these; the rest is as above.
  const other = /^(ready|prove|drained|grade|costs|looking|no value)/;
  const cases = testStore(githubActionsSecret, { vendor: github, world }).filter(({ name }) =>
    other.test(name),
  );
  for (const { name, run } of cases) it(name, run);
});
