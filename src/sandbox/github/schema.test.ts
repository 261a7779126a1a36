import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import { CALLED, REPO, sealed } from "./testing.ts";

const PATH = "/repos/{owner}/{repo}";

// A part of GitHub's description; fidelity/ checks the same replies, and more, against the whole of it.
const SPEC = new URL("../../../../shared/specs/github-actions-secrets.openapi.json", import.meta.url);
const present = existsSync(SPEC);

describe.skipIf(!present)("replies fit GitHub's OpenAPI (skipped where ../shared/specs is absent)", () => {
  const inputs = { nonce: "a".repeat(32), secret: "HEROKU_API_KEY" };
  let send: Send;
  let run: string;
  let schemaErrors: (path: string, method: string, status: number, body: unknown) => string | null;

  beforeAll(async () => {
    const { githubWith, clock, sandbox } = await testSandbox();
    send = githubWith("rotation-wide");
    const shared = { permission: "organization_secrets", level: "write" } as const;
    sandbox.control.act({ act: "set-github-permission", name: "rotation-wide", ...shared });
    const chosen = { visibility: "selected", repositories: [RAXX.repositoryId] } as const;
    const value = { generated: 20 };
    sandbox.control.act({
      act: "set-github-secret",
      organization: "raxx-app",
      name: "CHOSEN",
      value,
      ...chosen,
    });
    await send("POST", `${REPO}/issues`, { title: "One", body: "text", labels: ["a"] });
    await send("POST", `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`, { ref: "main" });
    sandbox.control.act({ act: "queue-run", repository: CALLED, workflow: "tests.yml", hold: "queued" });
    await send("POST", `${REPO}/actions/workflows/lockstep-proof.yml/dispatches`, { ref: "main", inputs });
    await clock.advance(10_000);
    run = String(at((await send("GET", `${REPO}/actions/runs`)).body, "workflow_runs", 0, "id"));
    const { paths, components } = JSON.parse(readFileSync(SPEC, "utf8"));
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true, logger: false });
    addFormats.default(ajv);
    ajv.addSchema({ $id: "github", components: { schemas: nullableAsType(components.schemas) } });
    schemaErrors = (path, method, status, body) => {
      const reply = paths[path]?.[method]?.responses?.[status];
      if (!reply) return `${method} ${path} describes no ${status}`;
      const described = reply.content?.["application/json"]?.schema;
      if (!described) return body === "" ? null : "a body where none is described";
      const inline = JSON.parse(JSON.stringify(described).replaceAll('"#/components', '"github#/components'));
      const validate = ajv.compile(inline);
      return validate(body) ? null : JSON.stringify(validate.errors);
    };
  });

  const secrets = [
    `${PATH}/actions/secrets`,
    `${PATH}/environments/{environment_name}/secrets`,
    "/orgs/{org}/actions/secrets",
  ] as const;
  const cases: [string, string, number, string, unknown?][] = [
    ["get", "/rate_limit", 200, "/rate_limit"],
    ["get", secrets[0], 200, `${REPO}/actions/secrets`],
    ["get", `${secrets[0]}/public-key`, 200, `${REPO}/actions/secrets/public-key`],
    ["get", `${secrets[0]}/{secret_name}`, 200, `${REPO}/actions/secrets/HEROKU_API_KEY`],
    ["get", secrets[1], 200, `${REPO}/environments/production/secrets`],
    ["get", `${secrets[1]}/public-key`, 200, `${REPO}/environments/production/secrets/public-key`],
    ["get", `${secrets[1]}/{secret_name}`, 200, `${REPO}/environments/production/secrets/SENTRY_DSN`],
    ["get", `${PATH}/actions/organization-secrets`, 200, `${REPO}/actions/organization-secrets`],
    ["get", `${PATH}/actions/workflows`, 200, `${REPO}/actions/workflows`],
    ["get", `${PATH}/actions/workflows/{workflow_id}`, 200, `${REPO}/actions/workflows/tests.yml`],
    [
      "get",
      `${PATH}/actions/workflows/{workflow_id}/runs`,
      200,
      `${REPO}/actions/workflows/deploy-heroku.yml/runs`,
    ],
    ["get", `${PATH}/actions/runs`, 200, `${REPO}/actions/runs`],
    ["get", `${PATH}/actions/runs/{run_id}`, 200, `${REPO}/actions/runs/RUN`],
    ["get", secrets[2], 200, "/orgs/raxx-app/actions/secrets"],
    ["get", `${secrets[2]}/public-key`, 200, "/orgs/raxx-app/actions/secrets/public-key"],
    ["get", `${secrets[2]}/{secret_name}`, 200, "/orgs/raxx-app/actions/secrets/CHOSEN"],
    [
      "get",
      `${secrets[2]}/{secret_name}/repositories`,
      200,
      "/orgs/raxx-app/actions/secrets/CHOSEN/repositories",
    ],
    [
      "put",
      `${secrets[2]}/{secret_name}/repositories`,
      204,
      "/orgs/raxx-app/actions/secrets/CHOSEN/repositories",
      { selected_repository_ids: [] },
    ],
    ["get", `${PATH}/issues`, 200, `${REPO}/issues`],
    ["post", `${PATH}/issues`, 201, `${REPO}/issues`, { title: "Two" }],
    ["get", `${PATH}/issues/{issue_number}`, 200, `${REPO}/issues/1`],
    ["patch", `${PATH}/issues/{issue_number}`, 200, `${REPO}/issues/1`, { state: "closed" }],
    [
      "post",
      `${PATH}/actions/workflows/{workflow_id}/dispatches`,
      204,
      `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`,
      { ref: "main" },
    ],
    [
      "post",
      `${PATH}/actions/workflows/{workflow_id}/dispatches`,
      200,
      `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`,
      { ref: "main", return_run_details: true },
    ],
  ];

  it.each(cases)("%s %s %i", async (method, path, status, url, body) => {
    const reply = await send(method.toUpperCase(), url.replace("RUN", run), body);
    expect(reply.status).toBe(status);
    expect(schemaErrors(path, method, status, reply.body)).toBeNull();
  });

  it.each(secrets)("put and delete %s/{secret_name}", async (path) => {
    const base = path
      .replace(PATH, REPO)
      .replace("{environment_name}", "production")
      .replace("{org}", "raxx-app");
    const shared = path.startsWith("/orgs") ? { visibility: "all" } : {};
    const write = { ...(await sealed(send, base, "value")), ...shared };
    for (const status of [201, 204]) {
      const reply = await send("PUT", `${base}/NEW`, write);
      expect(reply.status).toBe(status);
      expect(schemaErrors(`${path}/{secret_name}`, "put", status, reply.body)).toBeNull();
    }
    const gone = await send("DELETE", `${base}/NEW`);
    expect(schemaErrors(`${path}/{secret_name}`, "delete", gone.status, gone.body)).toBeNull();
  });
});

// OpenAPI 3.0 says `nullable` beside a union or a reference, which a JSON Schema validator does not take.
function nullableAsType(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(nullableAsType);
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, nullableAsType(value)]));
  if (copy["nullable"] !== true || typeof copy["type"] === "string") return copy;
  const { nullable: _nullable, ...rest } = copy;
  return { anyOf: [rest, { type: "null" }] };
}
