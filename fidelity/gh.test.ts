import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { at } from "../src/sandbox/testing.ts";
import { gh, ghVersion, type Ran, type Served, serve } from "./clients.ts";

const REPO = "raxx-app/TradeMasterAPI";
const version = await ghVersion();
if (version === null)
  console.warn("fidelity/gh.test.ts is skipped: there is no gh on this machine (apt install gh).");

describe.skipIf(version === null)(`gh ${version ?? "(skipped: it is not installed)"}`, () => {
  let served: Served;

  beforeAll(async () => {
    served = await serve();
  });

  afterAll(() => served.close());

  const as = (name: string, ...args: string[]): Promise<Ran> =>
    gh(served, served.sandbox.control.estate().github.tokens[name] ?? name, ...args);
  const run = (...args: string[]) => as("rotation", ...args);

  function repository() {
    const found = served.sandbox.github.repositories[0];
    if (!found) throw new Error("no repository");
    return found;
  }

  it("secret set, list and delete, of the repository", async () => {
    for (const value of ["first", "second"]) {
      expect((await run("secret", "set", "FIDELITY", "--body", value, "-R", REPO)).code).toBe(0);
      expect(repository().secrets.find((one) => one.name === "FIDELITY")?.value).toBe(value);
    }
    const { stdout } = await run("secret", "list", "-R", REPO);
    expect(stdout.match(/^\w+/gm)).toEqual(["FIDELITY", "HEROKU_API_KEY", "SLACK_WEBHOOK"]);
    expect((await run("secret", "delete", "FIDELITY", "-R", REPO)).code).toBe(0);
    const again = await run("secret", "delete", "FIDELITY", "-R", REPO);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("failed to delete secret FIDELITY: HTTP 404: Not Found");
  });

  it("secret set, list and delete, of an environment", async () => {
    const environment = ["--env", "production", "-R", REPO];
    expect((await run("secret", "set", "FIDELITY", "--body", "inside", ...environment)).code).toBe(0);
    expect(repository().environments[0]?.secrets.find((one) => one.name === "FIDELITY")?.value).toBe(
      "inside",
    );
    const { stdout } = await run("secret", "list", ...environment);
    expect(stdout.match(/^\w+/gm)).toEqual(["FIDELITY", "SENTRY_DSN"]);
    expect((await run("secret", "delete", "FIDELITY", ...environment)).code).toBe(0);
  });

  it("secret set and list, of the organization and for Dependabot", async () => {
    const wide = (...args: string[]) => as("rotation-wide", ...args);
    for (const permission of ["dependabot_secrets", "organization_secrets"])
      served.sandbox.control.act({
        act: "set-github-permission",
        name: "rotation-wide",
        permission,
        level: "write",
      });
    const dependabot = ["--app", "dependabot", "-R", REPO];
    expect((await wide("secret", "set", "FIDELITY", "--body", "one", ...dependabot)).code).toBe(0);
    expect((await wide("secret", "list", ...dependabot)).stdout.match(/^\w+/gm)).toEqual([
      "FIDELITY",
      "NPM_TOKEN",
    ]);
    const organization = ["--org", "raxx-app"];
    const all = [...organization, "--visibility", "all"];
    expect((await wide("secret", "set", "FIDELITY", "--body", "two", ...all)).code).toBe(0);
    const { stdout } = await wide("secret", "list", ...organization);
    expect(stdout.match(/^\w+/gm)).toEqual(["CODECOV_TOKEN", "FIDELITY"]);
    const narrow = await run("secret", "list", ...organization);
    expect(narrow.stderr).toContain("HTTP 403: Resource not accessible by personal access token");
  });

  it("runs a proof by its inputs, and shows its jobs", async () => {
    served.sandbox.control.set({ github: { queueMs: 0, runMs: 0 } });
    const inputs = ["-f", `nonce=${"7".repeat(32)}`, "-f", "secret=HEROKU_API_KEY"];
    const ran = await run("workflow", "run", "lockstep-proof.yml", "--ref", "main", ...inputs, "-R", REPO);
    expect(ran.code).toBe(0);
    const id = String(repository().runs[0]?.id);
    const { stdout } = await run("run", "view", id, "-R", REPO);
    expect(stdout).toMatch(/✓ prove in[\s\S]*✓ lockstep-proof [0-9a-f]{64} in/);
  });

  it("workflow list, run and view; run list, view and watch", async () => {
    served.sandbox.control.set({ github: { queueMs: 0, runMs: 0 } });
    const { stdout } = await run("workflow", "list", "-R", REPO);
    expect(stdout).toContain("Deploy to Heroku\tactive\t88410233\n");
    // With --ref by REST alone; without, gh asks GraphQL for the default branch.
    expect((await run("workflow", "run", "deploy-heroku.yml", "--ref", "main", "-R", REPO)).code).toBe(0);
    expect(
      (await run("workflow", "run", "deploy-console.yml", "-f", "environment=production", "-R", REPO)).code,
    ).toBe(0);
    expect((await run("workflow", "view", "deploy-heroku.yml", "-R", REPO)).stdout).toContain("Total runs 1");
    const fields = "databaseId,status,conclusion,workflowName,headBranch,event";
    const runs: unknown = JSON.parse((await run("run", "list", "--json", fields, "-R", REPO)).stdout);
    // The proof of the test before is the third.
    expect(runs).toMatchObject([
      { workflowName: "Deploy console", headBranch: "main", event: "workflow_dispatch" },
      { workflowName: "Deploy to Heroku", status: "completed", conclusion: "success" },
      { event: "workflow_dispatch", conclusion: "success" },
    ]);
    const id = String(at(runs, 1, "databaseId"));
    expect((await run("run", "view", id, "-R", REPO)).stdout).toMatch(
      /✓ main Deploy to Heroku[\s\S]*✓ deploy in/,
    );
    const watched = await run("run", "watch", id, "--exit-status", "-R", REPO);
    expect([watched.code, watched.stdout + watched.stderr]).toEqual([
      0,
      expect.stringContaining("has already completed with 'success'"),
    ]);
    const tests = await run("workflow", "run", "tests.yml", "--ref", "main", "-R", REPO);
    expect(tests.code).toBe(1);
    expect(tests.stderr).toContain("HTTP 422: Workflow does not have 'workflow_dispatch' trigger");
  });

  it("api reads, pages, writes and reports errors", async () => {
    expect((await run("api", "user", "-q", ".login")).stdout).toBe("raxx-rotation-bot\n");
    const names = await run(
      "api",
      `repos/${REPO}/actions/secrets?per_page=1`,
      "--paginate",
      "-q",
      ".secrets[].name",
    );
    expect(names.stdout).toBe("HEROKU_API_KEY\nSLACK_WEBHOOK\n");
    const made = await run(
      "api",
      `repos/${REPO}/issues`,
      "-f",
      "title=Due",
      "-f",
      "labels[]=lockstep",
      "-q",
      ".number",
    );
    expect(made.stdout).toBe("1\n");
    const missing = await run("api", `repos/${REPO}/nothing`);
    expect([missing.code, missing.stderr]).toEqual([1, "gh: Not Found (HTTP 404)"]);
  });

  it("tells a wrong token from a missing permission", async () => {
    const wrong = await as("wrong", "secret", "list", "-R", REPO);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toContain("HTTP 401: Bad credentials");
    const intern = await as("no-secrets", "secret", "set", "X", "--body", "x", "-R", REPO);
    expect(intern.code).toBe(1);
    expect(intern.stderr).toContain("HTTP 403: Resource not accessible by personal access token");
  });
});
