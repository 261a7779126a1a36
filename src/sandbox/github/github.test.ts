import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import { REPO, repositoryOf, sealed } from "./testing.ts";

const SECRETS = `${REPO}/actions/secrets`;
const SECRET = `${SECRETS}/HEROKU_API_KEY`;
let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.githubWith("rotation");
});

function held(name: string) {
  return repositoryOf(world.sandbox).secrets.find((one) => one.name === name)?.value;
}

describe("access", () => {
  it("wants a User-Agent and a known API version", async () => {
    expect((await send("GET", REPO, undefined, { "user-agent": "" })).status).toBe(403);
    expect((await send("GET", REPO, undefined, { "x-github-api-version": "2020-01-01" })).status).toBe(400);
    world.sandbox.control.set({ github: { retiredApiVersions: ["2022-11-28"] } });
    expect((await send("GET", REPO)).status).toBe(410);
    expect((await send("GET", REPO, undefined, { "x-github-api-version": "2026-03-10" })).status).toBe(200);
  });

  it("tells a bad token, an invisible repository and a missing permission apart", async () => {
    const bad = await send("GET", REPO, undefined, { authorization: "Bearer nope" });
    expect([bad.status, at(bad.body, "message"), at(bad.body, "status")]).toEqual([
      401,
      "Bad credentials",
      "401",
    ]);
    expect((await world.githubWith("outsider")("GET", SECRET)).status).toBe(404);
    const intern = await world.githubWith("no-secrets")("GET", SECRET);
    expect([intern.status, intern.headers.get("x-accepted-github-permissions")]).toEqual([
      403,
      "secrets=read",
    ]);
    expect(at(intern.body, "message")).toBe("Resource not accessible by personal access token");
    const reader = await world.githubWith("read-only")("DELETE", SECRET);
    expect([reader.status, reader.headers.get("x-accepted-github-permissions")]).toEqual([
      403,
      "secrets=write",
    ]);
  });

  it("serves the Enterprise base path as well, and charges no 304", async () => {
    const first = await send("GET", `/api/v3${SECRET}`);
    const used = first.headers.get("x-ratelimit-used");
    const again = await send("GET", SECRET, undefined, { "if-none-match": first.headers.get("etag") ?? "" });
    expect(again.status).toBe(304);
    expect(at((await send("GET", "/rate_limit")).body, "resources", "core", "used")).toBe(Number(used));
  });

  it("refuses calls above the hourly budget until it is renewed", async () => {
    world.sandbox.control.set({ github: { requestsPerHour: 1 } });
    await send("GET", REPO);
    const refused = await send("GET", REPO);
    expect([refused.status, refused.headers.get("x-ratelimit-remaining")]).toEqual([403, "0"]);
    await world.clock.advance(3_600_000);
    expect((await send("GET", REPO)).status).toBe(200);
  });
});

describe("Actions secrets", () => {
  it("opens real sealed boxes: 201 for a new secret, 204 for a change", async () => {
    const made = await send("PUT", `${REPO}/actions/secrets/new_key`, await sealed(send, SECRETS, "first"));
    expect([made.status, made.body]).toEqual([201, {}]);
    await world.clock.advance(5000);
    const changed = await send(
      "PUT",
      `${REPO}/actions/secrets/NEW_KEY`,
      await sealed(send, SECRETS, "second"),
    );
    expect([changed.status, changed.text]).toEqual([204, ""]);
    expect(held("NEW_KEY")).toBe("second");
    const read = await send("GET", `${REPO}/actions/secrets/new_key`);
    expect(Object.keys(Object(read.body))).toEqual(["name", "created_at", "updated_at"]);
    expect(at(read.body, "updated_at")).not.toBe(at(read.body, "created_at"));
    expect((await send("DELETE", `${REPO}/actions/secrets/NEW_KEY`)).status).toBe(204);
    expect(held("NEW_KEY")).toBeUndefined();
  });

  it("refuses what is not sealed to its own current key", async () => {
    const environment = `${REPO}/environments/production/secrets`;
    const improper = "Bad request - validation failed due to an improperly encrypted secret";
    const { key_id, encrypted_value } = await sealed(send, SECRETS, "x");
    const other = await send("PUT", `${environment}/KEY`, { key_id, encrypted_value });
    expect([other.status, at(other.body, "message")]).toEqual([422, improper]);
    const bare = await send("PUT", SECRET, { encrypted_value });
    expect(at(bare.body, "message")).toBe('Invalid request.\n\n"key_id" wasn\'t supplied.');
    expect((await send("PUT", SECRET, { key_id, encrypted_value: "not base64!" })).status).toBe(422);
    world.sandbox.control.act({ act: "rotate-github-key", repository: "raxx-app/TradeMasterAPI" });
    expect((await send("PUT", SECRET, { key_id, encrypted_value })).status).toBe(422);
    expect((await send("PUT", SECRET, await sealed(send, SECRETS, "y"))).status).toBe(204);
    expect((await send("PUT", `${environment}/KEY`, await sealed(send, environment, "z"))).status).toBe(201);
  });

  it("announces further pages in a Link header", async () => {
    const reply = await send("GET", `${REPO}/actions/secrets?per_page=1`);
    expect(at(reply.body, "total_count")).toBe(2);
    expect(reply.headers.get("link")).toMatch(/per_page=1&page=2>; rel="next"/);
    expect((await send("GET", `${REPO}/actions/secrets/`)).status).toBe(404);
    expect(
      (await send("PUT", `${REPO}/actions/secrets/GITHUB_X`, await sealed(send, SECRETS, "x"))).status,
    ).toBe(422);
  });
});

describe("workflows and issues", () => {
  const dispatches = `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`;

  it("runs with the secret as it was when queued, and fails where Heroku refuses it", async () => {
    world.sandbox.control.act({ act: "delete-authorization", id: RAXX.currentAuthorization });
    expect((await send("POST", dispatches, { ref: "main" })).status).toBe(204);
    const fresh =
      world.sandbox.heroku.authorizations.find((one) => one.id === RAXX.sessionAuthorization)?.token ?? "";
    await send("PUT", SECRET, await sealed(send, SECRETS, fresh));
    const told = await send("POST", dispatches, { ref: "main" }, { "x-github-api-version": "2026-03-10" });
    expect(told.status).toBe(200);
    await world.clock.advance(10_000);
    const { body } = await send("GET", `${REPO}/actions/runs?event=workflow_dispatch`);
    expect(at(body, "workflow_runs", 0, "id")).toBe(at(told.body, "workflow_run_id"));
    expect([at(body, "workflow_runs", 0, "conclusion"), at(body, "workflow_runs", 1, "conclusion")]).toEqual([
      "success",
      "failure",
    ]);
  });

  it("refuses an unknown ref and a workflow without dispatch", async () => {
    expect(at((await send("POST", dispatches, { ref: "gone" })).body, "message")).toBe(
      "No ref found for: gone",
    );
    const tests = await send("POST", `${REPO}/actions/workflows/tests.yml/dispatches`, { ref: "main" });
    expect(tests.status).toBe(422);
  });

  it("tells a run's job", async () => {
    await send("POST", `${REPO}/actions/workflows/deploy-heroku.yml/dispatches`, { ref: "main" });
    const { id } = repositoryOf(world.sandbox).runs[0] ?? { id: 0 };
    const job = async () => at((await send("GET", `${REPO}/actions/runs/${id}/jobs`)).body, "jobs", 0);
    expect(at(await job(), "status")).toBe("queued");
    await world.clock.advance(10_000);
    expect(at(await job(), "steps", 0, "conclusion")).toBe("success");
    expect((await send("GET", `${REPO}/actions/runs/1/jobs`)).status).toBe(404);
  });

  it("answers by GraphQL what gh asks beside REST, and nothing else", async () => {
    const query = "query RepositoryInfo($owner: String!, $name: String!) { ... }";
    const variables = { owner: "raxx-app", name: "TradeMasterAPI" };
    const info = await send("POST", "/graphql", { query, variables });
    expect(at(info.body, "data", "repository", "defaultBranchRef", "name")).toBe("main");
    const hidden = await world.githubWith("outsider")("POST", "/graphql", { query, variables });
    expect([hidden.status, at(hidden.body, "errors", 0, "type")]).toEqual([200, "NOT_FOUND"]);
    expect(at((await send("POST", "/graphql", { query: "query Other" })).body, "errors", "length")).toBe(1);
  });

  it("files issues and finds them by label", async () => {
    expect((await send("POST", `${REPO}/issues`, {})).status).toBe(422);
    const made = await send("POST", `${REPO}/issues`, { title: "Rotation due", labels: ["lockstep"] });
    expect([made.status, at(made.body, "number")]).toEqual([201, 1]);
    expect(at((await send("GET", `${REPO}/issues?labels=lockstep&state=open`)).body, "length")).toBe(1);
    expect(at((await send("GET", `${REPO}/issues?labels=other`)).body, "length")).toBe(0);
  });
});
