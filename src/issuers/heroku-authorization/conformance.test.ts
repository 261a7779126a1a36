import { describe, it } from "vitest";
import { testIssuer } from "../../conformance/suites.ts";
import { doorOf } from "../../conformance/testing/sandbox.ts";
import { alphanumeric } from "../../sandbox/random.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { seededRandom, testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { herokuAuthorization } from "./issuer.ts";

const STRANGER = `HRKU-${alphanumeric(seededRandom("stranger"), 60)}`;

async function world() {
  const sandboxed = await testSandbox();
  const { control, heroku: state } = sandboxed.sandbox;
  control.set({ heroku: { redaction: { prefix: 8, suffix: 6 } } });
  const { tokens } = control.estate().heroku;
  return {
    ...doorOf(sandboxed, "heroku"),
    config: herokuAuthorization.config.parse({
      account: state.account.email,
      description: "raxx-ci-rotation-{YYYY-MM}",
      apps: [{ name: "raxx-api-prod", id: RAXX.apps["raxx-api-prod"] }],
    }),
    // Not the key that is rotated: Heroku limits calls by key, and ending one must not end the other.
    credential: { token: tokens["73f5fe49-b802-4c5d-9e17-46d3a0c8f2b1"] ?? "" },
    present: { id: RAXX.currentAuthorization, values: { token: tokens[RAXX.currentAuthorization] ?? "" } },
    stranger: { token: STRANGER },
    living: () =>
      sandboxed.sandbox.heroku.authorizations
        .filter(({ deletedAt }) => deletedAt === null)
        .map(({ id, token }) => ({ id, values: { token } })),
  };
}

describe("conformance", () => {
  for (const { name, run } of testIssuer(herokuAuthorization, { vendor: heroku, world })) it(name, run);
});
