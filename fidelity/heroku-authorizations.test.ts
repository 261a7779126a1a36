import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RAXX } from "../src/sandbox/raxx.ts";
import { at } from "../src/sandbox/testing.ts";
import { heroku, type Ran, type Served, serve } from "./clients.ts";

let served: Served;
let key: string;

beforeAll(async () => {
  served = await serve();
  key = served.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
});

afterAll(() => served.close());

const run = (...args: string[]): Promise<Ran> => heroku(served, key, ...args);

function authorization(id: unknown) {
  const found = served.sandbox.heroku.authorizations.find((one) => one.id === id);
  if (!found) throw new Error(`no authorization ${id}`);
  return found;
}

describe("heroku auth", () => {
  it("whoami names the account", async () => {
    expect(await run("auth:whoami")).toMatchObject({ code: 0, stdout: "kris@moosequest.net\n" });
  });

  it("whoami with a wrong key ends with 2, every other command with 1", async () => {
    const who = await heroku(served, "HRKU-wrong", "auth:whoami");
    expect(who.code).toBe(2);
    expect(who.stderr).toContain("Error: Invalid credentials provided. Error ID: unauthorized");
    const other = await heroku(served, "HRKU-wrong", "config", "-a", "raxx-api-prod");
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("The token provided to HEROKU_API_KEY is invalid.");
  });
});

describe("heroku authorizations", () => {
  it("lists every one with its scope, and as JSON with redacted tokens only", async () => {
    const { stdout } = await run("authorizations");
    for (const { id, description } of served.sandbox.heroku.authorizations)
      expect(stdout).toMatch(new RegExp(`${description} +${id} +(global|read)`));
    const json = await run("authorizations", "--json");
    const tokens: unknown[] = JSON.parse(json.stdout).map((one: unknown) => at(one, "access_token", "token"));
    expect(tokens).toHaveLength(12);
    // The redaction that @heroku-cli/command looks for: prefix, ten asterisks, suffix.
    for (const token of tokens) expect(token).toMatch(/^HRKU-\w+\*{10}\w*$/);
    for (const { token } of served.sandbox.heroku.authorizations) expect(json.stdout).not.toContain(token);
  });

  it("create --short prints a key that works, global and with an end", async () => {
    const { code, stdout } = await run(
      "authorizations:create",
      "-d",
      "run 7",
      "--expires-in",
      "3600",
      "--short",
    );
    expect(code).toBe(0);
    const token = stdout.trim();
    expect(token).toMatch(/^HRKU-\w{60}$/);
    const made = served.sandbox.heroku.authorizations.find((one) => one.token === token);
    expect(made).toMatchObject({ description: "run 7", scope: ["global"], lifetimeMs: 3_600_000 });
    expect((await heroku(served, token, "auth:whoami")).stdout).toBe("kris@moosequest.net\n");
  });

  it("create --json, info, update, rotate and revoke tell one authorization's life", async () => {
    const made: unknown = JSON.parse(
      (await run("authorizations:create", "-d", "life", "-s", "read,write", "--json")).stdout,
    );
    const id = String(at(made, "id"));
    const first = String(at(made, "access_token", "token"));
    expect(authorization(id)).toMatchObject({ token: first, scope: ["read", "write"] });

    const info = await run("authorizations:info", id);
    expect(info.stdout).toMatch(/Scope: +read,write/);
    expect(info.stdout).toContain(`${first.slice(0, 9)}**********${first.slice(-4)}`);

    expect((await run("authorizations:update", id, "-d", "renamed")).stdout).toMatch(/Description: +renamed/);

    served.requests();
    const rotated = await run("authorizations:rotate", id);
    const second = authorization(id).token;
    expect(second).not.toBe(first);
    expect(rotated.stdout).toMatch(new RegExp(`Token: +${second}\\n`));
    expect((await heroku(served, first, "auth:whoami")).code).toBe(2);

    expect((await run("authorizations:revoke", id)).stderr).toContain(
      "done, revoked authorization from renamed",
    );
    expect(authorization(id).deletedAt).not.toBeNull();
    const again = await run("authorizations:revoke", id);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("Couldn't find that authorization. Error ID: not_found");
    expect(served.requests()).toEqual([
      `POST /oauth/authorizations/${id}/actions/regenerate-tokens 200`,
      "GET /account 401",
      "GET /account 401",
      `DELETE /oauth/authorizations/${id} 200`,
      `DELETE /oauth/authorizations/${id} 404`,
    ]);
  });

  it("create for a federated account tells why not", async () => {
    served.sandbox.control.set({ heroku: { federated: true } });
    const { code, stderr } = await run("authorizations:create", "-d", "never");
    served.sandbox.control.set({ heroku: { federated: false } });
    expect(code).toBe(2);
    expect(stderr).toContain("Federated accounts cannot issue OAuth authorizations. Error ID: forbidden");
  });
});
