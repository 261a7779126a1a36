import { createHmac } from "node:crypto";
import sodium from "libsodium-wrappers";
import { Octokit } from "octokit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { at } from "../src/sandbox/testing.ts";
import { type Served, serve } from "./clients.ts";

const REPO = { owner: "raxx-app", repo: "TradeMasterAPI" };
const PRODUCTION = { ...REPO, environment_name: "production" };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let served: Served;
let octokit: Octokit;

beforeAll(async () => {
  await sodium.ready;
  served = await serve();
  octokit = client("rotation");
});

afterAll(() => served.close());

/** Octokit as its users make it, but for the pauses between writes. */
function client(name: string, throttle: object = { enabled: false }): Octokit {
  const auth = served.sandbox.control.estate().github.tokens[name] ?? name;
  return new Octokit({ auth, baseUrl: served.urls.github, throttle, log: silent });
}

/** The error that a call ends with. */
async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return {
    status: at(error, "status"),
    message: at(error, "message"),
    headers: at(error, "response", "headers"),
    data: at(error, "response", "data"),
  };
}

function sealed(value: string, key: { key: string; key_id: string }) {
  const box = sodium.crypto_box_seal(value, Buffer.from(key.key, "base64"));
  return { key_id: key.key_id, encrypted_value: Buffer.from(box).toString("base64") };
}

function repository() {
  const found = served.sandbox.github.repositories[0];
  if (!found) throw new Error("no repository");
  return found;
}

describe("repositories and callers", () => {
  it("reads the repository and who the caller is", async () => {
    const { data } = await octokit.rest.repos.get(REPO);
    expect([data.full_name, data.private, data.default_branch]).toEqual([
      "raxx-app/TradeMasterAPI",
      true,
      "main",
    ]);
    expect((await octokit.rest.users.getAuthenticated()).data.login).toBe("raxx-rotation-bot");
    expect((await octokit.rest.rateLimit.get()).data.resources.core.limit).toBe(5000);
  });

  it("throws RequestError with status and documentation for 401, 403, 404 and 422", async () => {
    const secret = { ...REPO, secret_name: "HEROKU_API_KEY" };
    expect(await refusal(client("wrong").rest.repos.get(REPO))).toMatchObject({
      status: 401,
      message: "Bad credentials - https://docs.github.com/rest",
      data: { message: "Bad credentials", status: "401" },
    });
    expect(await refusal(client("no-secrets").rest.actions.getRepoSecret(secret))).toMatchObject({
      status: 403,
      message: expect.stringContaining("Resource not accessible by personal access token"),
      headers: { "x-accepted-github-permissions": "secrets=read" },
    });
    expect(await refusal(client("outsider").rest.actions.getRepoSecret(secret))).toMatchObject({
      status: 404,
      message: expect.stringContaining("Not Found"),
    });
    expect(await refusal(octokit.rest.issues.create({ ...REPO, title: "" }))).toMatchObject({
      status: 422,
      message: expect.stringContaining('{"resource":"Issue","code":"missing_field","field":"title"}'),
      data: { errors: [{ resource: "Issue", code: "missing_field", field: "title" }] },
    });
  });

  it("throws 304 where the ETag still fits", async () => {
    const { headers } = await octokit.rest.actions.listRepoSecrets(REPO);
    const conditional = { ...REPO, headers: { "if-none-match": headers.etag ?? "" } };
    expect((await refusal(octokit.rest.actions.listRepoSecrets(conditional))).status).toBe(304);
    served.sandbox.control.act({
      act: "set-github-secret",
      repository: "raxx-app/TradeMasterAPI",
      name: "BY_HAND",
      value: { text: "x" },
    });
    expect((await octokit.rest.actions.listRepoSecrets(conditional)).status).toBe(200);
  });
});

describe("Actions secrets", () => {
  it("puts, reads, lists and deletes a repository's secret", async () => {
    const { data: key } = await octokit.rest.actions.getRepoPublicKey(REPO);
    const secret = { ...REPO, secret_name: "FIDELITY" };
    const made = await octokit.rest.actions.createOrUpdateRepoSecret({ ...secret, ...sealed("first", key) });
    expect([made.status, made.data]).toEqual([201, {}]);
    const changed = await octokit.rest.actions.createOrUpdateRepoSecret({
      ...secret,
      ...sealed("zweitä", key),
    });
    // An empty 204 as Octokit hands it on.
    expect([changed.status, changed.data]).toEqual([204, ""]);
    expect(repository().secrets.find((one) => one.name === "FIDELITY")?.value).toBe("zweitä");
    expect((await octokit.rest.actions.getRepoSecret(secret)).data.name).toBe("FIDELITY");
    const { data } = await octokit.rest.actions.listRepoSecrets(REPO);
    expect(data.total_count).toBe(data.secrets.length);
    expect((await octokit.rest.actions.deleteRepoSecret(secret)).status).toBe(204);
    expect((await refusal(octokit.rest.actions.getRepoSecret(secret))).status).toBe(404);
  });

  it("puts, reads, lists and deletes an environment's secret, sealed to a key of its own", async () => {
    const { data: key } = await octokit.rest.actions.getEnvironmentPublicKey(PRODUCTION);
    const secret = { ...PRODUCTION, secret_name: "FIDELITY" };
    const write = { ...secret, ...sealed("inside", key) };
    expect((await octokit.rest.actions.createOrUpdateEnvironmentSecret(write)).status).toBe(201);
    const { data } = await octokit.rest.actions.listEnvironmentSecrets(PRODUCTION);
    expect(data.secrets.map((one) => one.name)).toEqual(["FIDELITY", "SENTRY_DSN"]);
    const { data: other } = await octokit.rest.actions.getRepoPublicKey(REPO);
    const wrong = octokit.rest.actions.createOrUpdateEnvironmentSecret({ ...secret, ...sealed("x", other) });
    expect(await refusal(wrong)).toMatchObject({
      status: 422,
      message: expect.stringContaining("validation failed due to an improperly encrypted secret"),
    });
    expect((await octokit.rest.actions.deleteEnvironmentSecret(secret)).status).toBe(204);
  });

  it("puts and reads secrets of Dependabot, Codespaces and the organization, where the token may", async () => {
    const wide = client("rotation-wide");
    for (const permission of ["dependabot_secrets", "organization_secrets"])
      served.sandbox.control.act({
        act: "set-github-permission",
        name: "rotation-wide",
        permission,
        level: "write",
      });
    const secret = { ...REPO, secret_name: "FIDELITY" };
    const { data: dependabot } = await wide.rest.dependabot.getRepoPublicKey(REPO);
    const first = { ...secret, ...sealed("one", dependabot) };
    expect((await wide.rest.dependabot.createOrUpdateRepoSecret(first)).status).toBe(201);
    expect((await wide.rest.dependabot.listRepoSecrets(REPO)).data.total_count).toBe(2);
    const { data: codespaces } = await wide.rest.codespaces.getRepoPublicKey(REPO);
    const second = { ...secret, ...sealed("two", codespaces) };
    expect((await wide.rest.codespaces.createOrUpdateRepoSecret(second)).status).toBe(201);
    expect((await wide.rest.codespaces.getRepoSecret(secret)).data.name).toBe("FIDELITY");
    const shared = { org: "raxx-app", secret_name: "FIDELITY" };
    const { data: organization } = await wide.rest.actions.getOrgPublicKey(shared);
    const third = { ...shared, ...sealed("three", organization), visibility: "all" as const };
    expect((await wide.rest.actions.createOrUpdateOrgSecret(third)).status).toBe(201);
    expect((await wide.rest.actions.listRepoOrganizationSecrets(REPO)).data.total_count).toBe(2);
    expect((await wide.rest.actions.deleteOrgSecret(shared)).status).toBe(204);
    expect(await refusal(octokit.rest.dependabot.listRepoSecrets(REPO))).toMatchObject({
      status: 403,
      headers: { "x-accepted-github-permissions": "dependabot_secrets=read" },
    });
    expect(await refusal(octokit.rest.actions.listOrgSecrets(shared))).toMatchObject({ status: 403 });
  });

  it("pages by the Link header", async () => {
    const expected = repository()
      .secrets.map((one) => one.name)
      .toSorted();
    served.requests();
    const all = await octokit.paginate(octokit.rest.actions.listRepoSecrets, { ...REPO, per_page: 1 });
    expect(all.map((one) => one.name)).toEqual(expected);
    expect(served.requests()).toHaveLength(expected.length);
  });
});

describe("workflows and issues", () => {
  it("dispatches a workflow and finds its run", async () => {
    const { data } = await octokit.rest.actions.listRepoWorkflows(REPO);
    expect(data.workflows.map((one) => one.name)).toEqual([
      "Deploy to Heroku",
      "Deploy console",
      "Tests",
      "Lockstep proof",
    ]);
    const workflow = { ...REPO, workflow_id: "deploy-heroku.yml", ref: "main" };
    served.sandbox.control.set({ github: { holdRuns: "queued" } });
    expect((await octokit.rest.actions.createWorkflowDispatch(workflow)).status).toBe(204);
    const runs = await octokit.rest.actions.listWorkflowRuns({ ...workflow, event: "workflow_dispatch" });
    const [run] = runs.data.workflow_runs;
    expect([run?.status, run?.head_branch]).toEqual(["queued", "main"]);
    expect((await octokit.rest.actions.getWorkflowRun({ ...REPO, run_id: run?.id ?? 0 })).data.id).toBe(
      run?.id,
    );
    const jobs = await octokit.rest.actions.listJobsForWorkflowRun({ ...REPO, run_id: run?.id ?? 0 });
    expect(jobs.data.jobs[0]?.run_id).toBe(run?.id);
    const all = await octokit.rest.actions.listWorkflowRunsForRepo({ ...REPO, status: "completed" });
    expect(all.data.total_count).toBe(0);
    served.sandbox.control.set({ github: { holdRuns: null } });
    const tests = octokit.rest.actions.createWorkflowDispatch({ ...workflow, workflow_id: "tests.yml" });
    expect(await refusal(tests)).toMatchObject({
      status: 422,
      message: expect.stringContaining("Workflow does not have 'workflow_dispatch' trigger"),
    });
  });

  it("dispatches a proof, waits for it and reads the name of its job", async () => {
    served.sandbox.control.set({ github: { queueMs: 0, runMs: 0 } });
    const nonce = "5".repeat(64);
    const inputs = { nonce, secret: "HEROKU_API_KEY" };
    const proof = { ...REPO, workflow_id: "lockstep-proof.yml", ref: "main", inputs };
    await octokit.rest.actions.createWorkflowDispatch(proof);
    const { data } = await octokit.rest.actions.listWorkflowRuns({ ...proof, status: "success" });
    const run = data.workflow_runs.find((one) => one.display_title === `lockstep proof ${nonce}`);
    const jobs = await octokit.rest.actions.listJobsForWorkflowRun({ ...REPO, run_id: run?.id ?? 0 });
    const held = repository().secrets.find((one) => one.name === "HEROKU_API_KEY")?.value ?? "";
    const expected = createHmac("sha256", held).update(nonce).digest("hex");
    expect(jobs.data.jobs.map((one) => one.name)).toEqual(["prove", `lockstep-proof ${expected}`]);
    const other = octokit.rest.actions.createWorkflowDispatch({
      ...proof,
      inputs: { ...inputs, secret: "OTHER" },
    });
    expect(await refusal(other)).toMatchObject({
      status: 422,
      message: expect.stringContaining("not in the list of allowed values"),
    });
    served.sandbox.control.set({ github: { queueMs: 1000, runMs: 2000 } });
  });

  it("answers a dispatch of the newer API version with the run", async () => {
    const { status, data } = await octokit.request(
      "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
      {
        ...REPO,
        workflow_id: "deploy-console.yml",
        ref: "main",
        headers: { "x-github-api-version": "2026-03-10" },
      },
    );
    expect(status).toBe(200);
    expect(at(data, "workflow_run_id")).toBe(repository().runs[0]?.id);
  });

  it("files issues and finds them by label and state", async () => {
    const made = await octokit.rest.issues.create({
      ...REPO,
      title: "Due",
      body: "text",
      labels: ["lockstep", "a"],
    });
    await octokit.rest.issues.create({ ...REPO, title: "Other", labels: ["a"] });
    const found = await octokit.rest.issues.listForRepo({ ...REPO, labels: "lockstep,a", state: "open" });
    expect(found.data.map((one) => one.title)).toEqual(["Due"]);
    const issue = { ...REPO, issue_number: made.data.number };
    expect((await octokit.rest.issues.update({ ...issue, state: "closed" })).data.state).toBe("closed");
    expect((await octokit.rest.issues.listForRepo({ ...REPO, labels: "lockstep" })).data).toEqual([]);
    expect((await octokit.rest.issues.get(issue)).data.title).toBe("Due");
  });
});

describe("a repository that was renamed", () => {
  it("is found by its id and redirected to from its former name", async () => {
    const { control } = served.sandbox;
    const { data: before } = await octokit.rest.repos.get(REPO);
    expect(before.permissions).toMatchObject({ admin: true, push: true, pull: true });
    const environments = await octokit.rest.repos.getAllEnvironments(REPO);
    expect(environments.data.environments?.map((one) => one.name)).toEqual(["production"]);
    control.act({ act: "rename-repository", repository: "raxx-app/TradeMasterAPI", name: "Renamed" });
    const { data, url } = await octokit.rest.repos.get(REPO);
    expect([data.id, data.name]).toEqual([before.id, "Renamed"]);
    expect(url).toMatch(new RegExp(`/repositories/${before.id}$`));
    control.act({ act: "rename-repository", repository: "raxx-app/Renamed", name: "TradeMasterAPI" });
  });
});

describe("throttling", () => {
  it("waits as long as a secondary limit says, then sends again", async () => {
    const limits: number[] = [];
    const patient = client("rotation", {
      onRateLimit: () => false,
      onSecondaryRateLimit: (after: number) => {
        limits.push(after);
        return true;
      },
    });
    const message =
      "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    served.sandbox.control.addFault({
      kind: "status",
      vendor: "github",
      status: 403,
      message,
      retryAfter: 1,
    });
    expect((await patient.rest.repos.get(REPO)).status).toBe(200);
    expect(limits).toEqual([1]);
  });
});
