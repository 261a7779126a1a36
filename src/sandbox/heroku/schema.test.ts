import { existsSync, readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";

const SPEC = new URL(
  "../../../../shared/specs/heroku-platform-api.trimmed.hyper-schema.json",
  import.meta.url,
);
const present = existsSync(SPEC);

describe.skipIf(!present)("replies fit Heroku's own schema (skipped where ../shared/specs is absent)", () => {
  let send: Send;
  let resource: (name: string) => { validate: ValidateFunction; properties: string[] };

  beforeAll(async () => {
    const { sandbox, herokuWith } = await testSandbox();
    const app = "raxx-console-prod";
    sandbox.control.act({ act: "heroku.access", app, team: "raxx", role: "member", permissions: ["view"] });
    send = herokuWith(sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "");
    const { $schema: _draft, id: _id, ...schema } = JSON.parse(readFileSync(SPEC, "utf8"));
    // A reference that dangles upstream.
    delete schema.definitions.formation.definitions.dyno_size;
    delete schema.definitions.formation.definitions.update;
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: "heroku", definitions: schema.definitions });
    resource = (name) => ({
      validate: ajv.compile({ $ref: `heroku#/definitions/${name}` }),
      properties: Object.keys(schema.definitions[name].properties),
    });
  });

  const cases: [string, string, string, string, unknown?][] = [
    ["account", "account", "GET", "/account"],
    ["rate limits", "rate-limit", "GET", "/account/rate-limits"],
    ["apps", "app", "GET", "/apps"],
    ["app", "app", "GET", "/apps/raxx-api-prod"],
    ["releases", "release", "GET", "/apps/raxx-api-prod/releases"],
    ["rollback", "release", "POST", "/apps/raxx-api-prod/releases", { release: "3" }],
    ["dynos", "dyno", "GET", "/apps/raxx-api-prod/dynos"],
    ["one-off dyno", "dyno", "POST", "/apps/raxx-api-prod/dynos", { command: "bash", attach: true }],
    ["a team's app", "app", "GET", "/apps/raxx-console-prod"],
    ["collaborators", "collaborator", "GET", "/apps/raxx-console-prod/collaborators"],
    ["a team app's collaborators", "collaborator", "GET", "/teams/apps/raxx-console-prod/collaborators"],
    ["a collaborator", "collaborator", "GET", "/apps/raxx-console-prod/collaborators/kris@moosequest.net"],
    ["permissions", "team-app-permission", "GET", "/teams/permissions"],
    ["formation", "formation", "GET", "/apps/raxx-api-prod/formation"],
    ["formation change", "formation", "PATCH", "/apps/raxx-api-prod/formation/web", { quantity: 2 }],
    ["authorizations", "oauth-authorization", "GET", "/oauth/authorizations"],
    ["mint", "oauth-authorization", "POST", "/oauth/authorizations", { scope: ["global"], expires_in: 10 }],
    [
      "regenerate",
      "oauth-authorization",
      "POST",
      `/oauth/authorizations/${RAXX.billingAuthorization}/actions/regenerate-tokens`,
    ],
    [
      "rename",
      "oauth-authorization",
      "PATCH",
      `/oauth/authorizations/${RAXX.billingAuthorization}`,
      { description: "x" },
    ],
    ["revoke", "oauth-authorization", "DELETE", `/oauth/authorizations/${RAXX.sessionAuthorization}`],
    ["log session", "log-session", "POST", "/apps/raxx-api-prod/log-sessions", { tail: true }],
  ];

  it.each(cases)("%s", async (_title, name, method, path, body) => {
    const reply = await send(method, path, body);
    expect(reply.status).toBeLessThan(300);
    const { validate, properties } = resource(name);
    for (const one of Array.isArray(reply.body) ? reply.body : [reply.body]) {
      expect(validate(one), JSON.stringify(validate.errors)).toBe(true);
      // The schema requires nothing, so the names are compared as well.
      expect(Object.keys(one).toSorted()).toEqual(properties.toSorted());
    }
  });

  it("config vars are a flat map", async () => {
    const reply = await send("GET", "/apps/raxx-api-prod/config-vars");
    expect(Object.values(Object(reply.body)).every((one) => typeof one === "string")).toBe(true);
    expect(at(reply.body, "HEROKU_API_KEY")).toBeDefined();
  });
});
