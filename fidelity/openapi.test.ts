import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import sodium from "libsodium-wrappers";
import { beforeAll, describe, expect, it } from "vitest";
import { at, type Send, testSandbox } from "../src/sandbox/testing.ts";

const REPO = "/repos/raxx-app/TradeMasterAPI";
const PATH = "/repos/{owner}/{repo}";
const DISPATCHES = `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`;

type Check = (path: string, method: string, status: number, body: unknown) => string | null;

describe("replies fit the whole of GitHub's OpenAPI", () => {
  let send: Send;
  let schemaErrors: Check;
  let run: unknown;

  beforeAll(async () => {
    const { githubWith, clock } = await testSandbox();
    send = githubWith("rotation");
    await send("POST", `${REPO}/issues`, { title: "One", body: "text", labels: ["a"] });
    await send("POST", DISPATCHES, { ref: "main" });
    await clock.advance(10_000);
    run = at((await send("GET", `${REPO}/actions/runs`)).body, "workflow_runs", 0, "id");
    schemaErrors = checker();
  });

  const secrets = [`${PATH}/actions/secrets`, `${PATH}/environments/{environment_name}/secrets`] as const;
  const reads: [string, string][] = [
    [PATH, REPO],
    ["/user", "/user"],
    ["/rate_limit", "/rate_limit"],
    [secrets[0], `${REPO}/actions/secrets`],
    [`${secrets[0]}/public-key`, `${REPO}/actions/secrets/public-key`],
    [`${secrets[0]}/{secret_name}`, `${REPO}/actions/secrets/HEROKU_API_KEY`],
    [secrets[1], `${REPO}/environments/production/secrets`],
    [`${secrets[1]}/public-key`, `${REPO}/environments/production/secrets/public-key`],
    [`${secrets[1]}/{secret_name}`, `${REPO}/environments/production/secrets/SENTRY_DSN`],
    [`${PATH}/actions/organization-secrets`, `${REPO}/actions/organization-secrets`],
    [`${PATH}/actions/workflows`, `${REPO}/actions/workflows`],
    [`${PATH}/actions/workflows/{workflow_id}`, `${REPO}/actions/workflows/tests.yml`],
    [`${PATH}/actions/workflows/{workflow_id}/runs`, `${REPO}/actions/workflows/deploy-heroku.yml/runs`],
    [`${PATH}/actions/runs`, `${REPO}/actions/runs`],
    [`${PATH}/actions/runs/{run_id}`, `${REPO}/actions/runs/RUN`],
    [`${PATH}/actions/runs/{run_id}/jobs`, `${REPO}/actions/runs/RUN/jobs`],
    [`${PATH}/actions/runs/{run_id}/artifacts`, `${REPO}/actions/runs/RUN/artifacts`],
    [`${PATH}/check-runs/{check_run_id}/annotations`, `${REPO}/check-runs/RUN/annotations`],
    [`${PATH}/issues`, `${REPO}/issues`],
    [`${PATH}/issues/{issue_number}`, `${REPO}/issues/1`],
  ];

  it.each(reads)("get %s", async (path, url) => {
    const reply = await send("GET", url.replace("RUN", String(run)));
    expect(reply.status).toBe(200);
    expect(schemaErrors(path, "get", 200, reply.body)).toBeNull();
  });

  const dispatches = `${PATH}/actions/workflows/{workflow_id}/dispatches`;
  const writes: [string, string, number, string, unknown][] = [
    ["post", `${PATH}/issues`, 201, `${REPO}/issues`, { title: "Two" }],
    ["patch", `${PATH}/issues/{issue_number}`, 200, `${REPO}/issues/1`, { state: "closed" }],
    ["post", dispatches, 200, DISPATCHES, { ref: "main", return_run_details: true }],
    ["post", dispatches, 204, DISPATCHES, { ref: "main" }],
  ];

  it.each(writes)("%s %s %i", async (method, path, status, url, body) => {
    const reply = await send(method.toUpperCase(), url, body);
    expect(reply.status).toBe(status);
    expect(schemaErrors(path, method, status, reply.body)).toBeNull();
  });

  it.each(secrets)("put and delete %s/{secret_name}", async (path) => {
    await sodium.ready;
    const base = path.replace(PATH, REPO).replace("{environment_name}", "production");
    const { body } = await send("GET", `${base}/public-key`);
    const box = sodium.crypto_box_seal("value", Buffer.from(String(at(body, "key")), "base64"));
    const write = { key_id: at(body, "key_id"), encrypted_value: Buffer.from(box).toString("base64") };
    for (const status of [201, 204]) {
      const reply = await send("PUT", `${base}/NEW`, write);
      expect(reply.status).toBe(status);
      expect(schemaErrors(`${path}/{secret_name}`, "put", status, reply.body)).toBeNull();
    }
    const gone = await send("DELETE", `${base}/NEW`);
    expect(schemaErrors(`${path}/{secret_name}`, "delete", gone.status, gone.body)).toBeNull();
  });

  it("errors are what the description says", async () => {
    const missing = await send("GET", `${REPO}/issues/999`);
    expect([missing.status, schemaErrors(`${PATH}/issues/{issue_number}`, "get", 404, missing.body)]).toEqual(
      [404, null],
    );
    const empty = await send("POST", `${REPO}/issues`, {});
    expect([empty.status, schemaErrors(`${PATH}/issues`, "post", 422, empty.body)]).toEqual([422, null]);
  });
});

function checker(): Check {
  // 13 MB: read by itself, and not through the package's index, which reads all 400 MB.
  const path = createRequire(import.meta.url).resolve("@octokit/openapi/generated/api.github.com.json");
  const { paths, components } = JSON.parse(readFileSync(path, "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true, logger: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "github", components: { schemas: nullableAsType(components.schemas) } });
  return (route, method, status, body) => {
    let reply = paths[route]?.[method]?.responses?.[status];
    if (!reply) return `${method} ${route} describes no ${status}`;
    if (reply.$ref) reply = components.responses[String(reply.$ref).split("/").at(-1) ?? ""];
    const described = reply.content?.["application/json"]?.schema;
    if (!described) return body === "" ? null : "a body where none is described";
    const inline = JSON.parse(JSON.stringify(described).replaceAll('"#/components', '"github#/components'));
    const validate = ajv.compile(inline);
    return validate(body) ? null : JSON.stringify(validate.errors);
  };
}

// OpenAPI 3.0 says `nullable` beside a union or a reference, which a JSON Schema validator does not take.
function nullableAsType(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(nullableAsType);
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, nullableAsType(value)]));
  if (copy["nullable"] !== true || typeof copy["type"] === "string") return copy;
  const { nullable: _nullable, ...rest } = copy;
  return { anyOf: [rest, { type: "null" }] };
}
