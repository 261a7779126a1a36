import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { CALLED, REPO, sealed } from "../src/sandbox/github/testing.ts";
import { RAXX } from "../src/sandbox/raxx.ts";
import type { Sandbox } from "../src/sandbox/sandbox.ts";
import { type Send, testSandbox } from "../src/sandbox/testing.ts";

const PATH = "/repos/{owner}/{repo}";
const ORG = "/orgs/{org}";
const DISPATCHES = `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`;
/** Where secrets are: path in the description, and in the sandbox. */
const PLACES: [string, string][] = [
  [`${PATH}/actions/secrets`, `${REPO}/actions/secrets`],
  [`${PATH}/dependabot/secrets`, `${REPO}/dependabot/secrets`],
  [`${PATH}/codespaces/secrets`, `${REPO}/codespaces/secrets`],
  [`${PATH}/environments/{environment_name}/secrets`, `${REPO}/environments/production/secrets`],
  ...["actions", "dependabot", "codespaces"].map((kind): [string, string] => [
    `${ORG}/${kind}/secrets`,
    `/orgs/raxx-app/${kind}/secrets`,
  ]),
];

type Check = (path: string, method: string, status: number, body: unknown) => string | null;

describe("replies fit the whole of GitHub's OpenAPI", () => {
  let send: Send;
  let schemaErrors: Check;
  let names: Record<"PROOF" | "FAILED" | "QUEUED" | "JOB", string>;
  let sandbox: Awaited<ReturnType<typeof testSandbox>>["sandbox"];

  beforeAll(async () => {
    const world = await testSandbox();
    const { clock } = world;
    sandbox = world.sandbox;
    send = world.githubWith("rotation-wide");
    everywhere(sandbox.control);
    await send("POST", `${REPO}/issues`, { title: "One", body: "text", labels: ["a"] });
    await send("POST", DISPATCHES, { ref: "main" });
    const proofs = DISPATCHES.replace("deploy-heroku", "lockstep-proof");
    for (const nonce of ["a".repeat(32), "no nonce"])
      await send("POST", proofs, { ref: "main", inputs: { nonce, secret: "HEROKU_API_KEY" } });
    await clock.advance(10_000);
    const { control } = sandbox;
    const waiting = control.act({
      act: "queue-run",
      repository: CALLED,
      workflow: "tests.yml",
      hold: "queued",
    });
    const [, failed, proof] = sandbox.github.repositories[0]?.runs ?? [];
    names = {
      PROOF: String(proof?.id),
      FAILED: String(failed?.id),
      QUEUED: waiting.id ?? "",
      JOB: String(proof?.jobs[1]?.id),
    };
    schemaErrors = checker();
  });

  const reads: [string, string][] = [
    [PATH, REPO],
    ["/user", "/user"],
    ["/rate_limit", "/rate_limit"],
    ...PLACES.flatMap(([path, url]): [string, string][] => [
      [path, url],
      [`${path}/public-key`, `${url}/public-key`],
      [`${path}/{secret_name}`, `${url}/COPY`],
    ]),
    ...PLACES.filter(([path]) => path.startsWith(ORG)).map(([path, url]): [string, string] => [
      `${path}/{secret_name}/repositories`,
      `${url}/COPY/repositories`,
    ]),
    [`${PATH}/environments`, `${REPO}/environments`],
    [`${PATH}/environments/{environment_name}`, `${REPO}/environments/production`],
    [`${PATH}/git/ref/{ref}`, `${REPO}/git/ref/heads/main`],
    [`${PATH}/actions/organization-secrets`, `${REPO}/actions/organization-secrets`],
    [`${PATH}/actions/workflows`, `${REPO}/actions/workflows`],
    [`${PATH}/actions/workflows/{workflow_id}`, `${REPO}/actions/workflows/tests.yml`],
    [`${PATH}/actions/workflows/{workflow_id}/runs`, `${REPO}/actions/workflows/deploy-heroku.yml/runs`],
    [`${PATH}/actions/runs`, `${REPO}/actions/runs`],
    ...["PROOF", "FAILED", "QUEUED"].flatMap((name): [string, string][] => [
      [`${PATH}/actions/runs/{run_id}`, `${REPO}/actions/runs/${name}`],
      [`${PATH}/actions/runs/{run_id}/jobs`, `${REPO}/actions/runs/${name}/jobs`],
    ]),
    [`${PATH}/actions/jobs/{job_id}`, `${REPO}/actions/jobs/JOB`],
    [`${PATH}/actions/runs/{run_id}/artifacts`, `${REPO}/actions/runs/PROOF/artifacts`],
    [`${PATH}/check-runs/{check_run_id}/annotations`, `${REPO}/check-runs/JOB/annotations`],
    [`${PATH}/issues`, `${REPO}/issues`],
    [`${PATH}/issues/{issue_number}`, `${REPO}/issues/1`],
  ];

  it.each(reads)("get %s (%s)", async (path, url) => {
    const named = Object.entries(names).reduce((all, [name, id]) => all.replace(name, id), url);
    const reply = await send("GET", named);
    expect(reply.status).toBe(200);
    expect(schemaErrors(path, "get", 200, reply.body)).toBeNull();
  });

  const dispatches = `${PATH}/actions/workflows/{workflow_id}/dispatches`;
  const writes: [string, string, number, string, unknown][] = [
    ["post", `${PATH}/issues`, 201, `${REPO}/issues`, { title: "Two" }],
    ["patch", `${PATH}/issues/{issue_number}`, 200, `${REPO}/issues/1`, { state: "closed" }],
    ["post", dispatches, 200, DISPATCHES, { ref: "main", return_run_details: true }],
    ["post", dispatches, 204, DISPATCHES, { ref: "main" }],
    [
      "put",
      `${ORG}/actions/secrets/{secret_name}/repositories`,
      204,
      "/orgs/raxx-app/actions/secrets/COPY/repositories",
      { selected_repository_ids: [] },
    ],
    [
      "put",
      `${PATH}/actions/workflows/{workflow_id}/disable`,
      204,
      `${REPO}/actions/workflows/tests.yml/disable`,
      {},
    ],
  ];

  it.each(writes)("%s %s %i", async (method, path, status, url, body) => {
    const reply = await send(method.toUpperCase(), url, body);
    expect(reply.status).toBe(status);
    expect(schemaErrors(path, method, status, reply.body)).toBeNull();
  });

  it.each(PLACES)("put and delete %s/{secret_name}", async (path, base) => {
    const shared = path.startsWith(ORG) ? { visibility: "private" } : {};
    const write = { ...(await sealed(send, base, "value")), ...shared };
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
    sandbox.control.act({ act: "rename-repository", repository: CALLED, name: "Renamed" });
    const moved = await send("GET", REPO);
    expect([moved.status, schemaErrors(PATH, "get", 301, moved.body)]).toEqual([301, null]);
  });
});

/** Puts a secret into every place, and lets the token write to all of them. */
function everywhere(control: Sandbox["control"]): void {
  const held = ["dependabot_secrets", "organization_secrets"];
  const more = ["organization_dependabot_secrets", "organization_codespaces_secrets"];
  for (const permission of [...held, ...more])
    control.act({ act: "set-github-permission", name: "rotation-wide", permission, level: "write" });
  const secret = { act: "set-github-secret", name: "COPY", value: { generated: 20 } } as const;
  control.act({ ...secret, repository: CALLED, environment: "production" });
  for (const kind of ["actions", "dependabot", "codespaces"] as const) {
    control.act({ ...secret, repository: CALLED, kind });
    const chosen = { visibility: "selected", repositories: [RAXX.repositoryId] } as const;
    control.act({ ...secret, organization: "raxx-app", kind, ...chosen });
  }
}

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
  if (copy["nullable"] !== true) return copy;
  // Nor does GitHub name null among the values of an enumeration that it may be.
  if (Array.isArray(copy["enum"])) return { ...copy, enum: [...copy["enum"], null] };
  if (typeof copy["type"] === "string") return copy;
  const { nullable: _nullable, ...rest } = copy;
  return { anyOf: [rest, { type: "null" }] };
}
