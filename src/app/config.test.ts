import { describe, expect, it } from "vitest";
import { checkConfig } from "./config.ts";

describe("a credential that cannot be understood", () => {
  it.each([
    ["another field than env", { token: { name: "NAME" } }],
    ["a secret that is no name", { secret: 5 }],
    ["a pasted value", { token: "pasted" }],
  ])("is refused with what is allowed there, and nothing of it is repeated: %s", (_what, credential) => {
    let said = "";
    try {
      checkConfig({ connections: { heroku: { vendor: "heroku", credential } }, secrets: {} });
    } catch (thrown) {
      said = String(thrown instanceof Error ? thrown.message : thrown);
    }
    expect(said).toContain("connections.heroku.credential: found an object, allowed");
    expect(said).toContain('{ token: env("NAME") }');
    expect(said).not.toContain("pasted");
  });
});

it("where fields belong, what stands there instead is told with the names of the fields", () => {
  const wrong = { operators: { kris: "ops" }, connections: {}, secrets: {} };
  expect(() => checkConfig(wrong)).toThrow(
    'operators.kris: found "ops", allowed an object with role, email, slack',
  );
});
