import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import type { GithubPlace } from "./acts.ts";
import type { Audience } from "./state.ts";
import { CALLED, REPO, repositoryOf } from "./testing.ts";

const RUNS = `${REPO}/actions/runs`;
const DEPLOY = "deploy-heroku.yml";
const DISPATCHES = `${REPO}/actions/workflows/${DEPLOY}/dispatches`;
const NAME = "HEROKU_API_KEY";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.githubWith("rotation");
});

const queued = (more: object = {}) =>
  world.sandbox.control.act({ act: "queue-run", repository: CALLED, workflow: DEPLOY, ...more }).id ?? "";
const status = async (id: string) => {
  const { body } = await send("GET", `${RUNS}/${id}`);
  return [at(body, "status"), at(body, "conclusion")];
};
const listed = async (query: string) => {
  const { body } = await send("GET", `${RUNS}?${query}`);
  const runs = at(body, "workflow_runs");
  return Array.isArray(runs) ? runs.map((one) => String(at(one, "id"))) : at(body, "message");
};
const set = (place: GithubPlace, authorization: string | null, more: Partial<Audience> = {}) =>
  world.sandbox.control.act({
    act: "set-github-secret",
    ...place,
    ...more,
    name: NAME,
    value: authorization === null ? null : { authorization },
  });
const heldBy = (id: string) =>
  world.sandbox.control.truth().github.repositories[0]?.runs.find((one) => String(one.id) === id)?.held[NAME]
    ?.holds;

describe("[HK-23] runs that last", () => {
  it("stay queued or in progress until an act moves them on", async () => {
    const [waiting, working] = [queued({ hold: "queued" }), queued({ hold: "in_progress" })];
    await world.clock.advance(86_400_000);
    expect([await status(waiting), await status(working)]).toEqual([
      ["queued", null],
      ["in_progress", null],
    ]);
    expect(await listed("status=queued")).toEqual([waiting]);
    expect(await listed("status=in_progress")).toEqual([working]);
    const move = { repository: CALLED, run: waiting };
    world.sandbox.control.act({ act: "start-run", ...move });
    expect(await status(waiting)).toEqual(["in_progress", null]);
    world.sandbox.control.act({ act: "finish-run", ...move });
    world.sandbox.control.act({
      act: "finish-run",
      repository: CALLED,
      run: working,
      conclusion: "cancelled",
    });
    expect([await status(waiting), await status(working)]).toEqual([
      ["completed", "success"],
      ["completed", "cancelled"],
    ]);
    expect(() => world.sandbox.control.act({ act: "finish-run", ...move })).toThrow("unfinished run");
  });

  it("hold every dispatched run as the settings say", async () => {
    world.sandbox.control.set({ github: { holdRuns: "queued" } });
    const told = await send("POST", DISPATCHES, { ref: "main", return_run_details: true });
    const id = String(at(told.body, "workflow_run_id"));
    await world.clock.advance(3_600_000);
    expect(await status(id)).toEqual(["queued", null]);
    const jobs = await send("GET", `${RUNS}/${id}/jobs`);
    expect([at(jobs.body, "jobs", 0, "status"), at(jobs.body, "jobs", 0, "steps")]).toEqual(["queued", []]);
    world.sandbox.control.set({ github: { holdRuns: null } });
    world.sandbox.control.act({ act: "finish-run", repository: CALLED, run: id });
    const done = await send("GET", `${RUNS}/${id}/jobs`);
    expect(at(done.body, "jobs", 0)).toMatchObject({
      name: "deploy",
      conclusion: "success",
      run_id: Number(id),
      steps: [{ name: "Deploy", number: 1, status: "completed", conclusion: "success" }],
    });
    const job = await send("GET", `${REPO}/actions/jobs/${at(done.body, "jobs", 0, "id")}`);
    expect(job.body).toEqual(at(done.body, "jobs", 0));
  });
});

describe("the list of runs", () => {
  it("filters by status, event, branch, actor and head", async () => {
    const first = queued();
    await world.clock.advance(10_000);
    const sha = world.sandbox.control.act({ act: "push-commit", repository: CALLED }).id ?? "";
    const second = queued({ event: "schedule", actor: "raxx-bot" });
    world.sandbox.control.act({ act: "push-commit", repository: CALLED, branch: "next" });
    const third = queued({ ref: "next" });
    expect(await listed("")).toEqual([third, second, first]);
    expect(await listed("status=success")).toEqual([first]);
    expect(await listed("status=queued")).toEqual([third, second]);
    expect(await listed("event=schedule")).toEqual([second]);
    expect(await listed("branch=next")).toEqual([third]);
    expect(await listed("actor=raxx-bot")).toEqual([second]);
    expect(await listed(`head_sha=${sha}`)).toEqual([second]);
    expect(at((await send("GET", `${RUNS}/${first}`)).body, "head_sha")).not.toBe(sha);
  });

  it("filters by the time of creation, in whole seconds or days", async () => {
    const first = queued();
    await world.clock.advance(1500);
    const second = queued();
    await world.clock.advance(86_400_000);
    const third = queued();
    const time = encodeURIComponent("2026-10-01T08:00:01Z");
    expect(await listed(`created=%3C${time}`)).toEqual([first]);
    expect(await listed(`created=%3C=${time}`)).toEqual([second, first]);
    expect(await listed(`created=%3E${time}`)).toEqual([third]);
    expect(await listed(`created=%3E=${time}`)).toEqual([third, second]);
    expect(await listed("created=2026-10-01")).toEqual([second, first]);
    expect(await listed("created=2026-10-01..2026-10-02")).toEqual([third, second, first]);
    expect(await listed(`created=*..${time}`)).toEqual([second, first]);
    expect(await listed("created=lately")).toContain('"created" is no date');
  });
});

describe("dispatch", () => {
  const said = async (body: object, workflow = DEPLOY) => {
    const path = `${REPO}/actions/workflows/${workflow}/dispatches`;
    const reply = await send("POST", path, { ref: "main", ...body });
    return [reply.status, at(reply.body, "message")];
  };

  it("takes the inputs that the file declares, and no others", async () => {
    expect(await said({ inputs: { environment: "production" } })).toEqual([204, undefined]);
    expect(repositoryOf(world.sandbox).runs[0]?.inputs).toEqual({ environment: "production" });
    expect(await said({ inputs: { colour: "red" } })).toEqual([
      422,
      'Unexpected inputs provided: ["colour"]',
    ]);
    expect(await said({}, "lockstep-proof.yml")).toEqual([422, "Required input 'nonce' not provided"]);
    const inputs = { nonce: "0".repeat(32), secret: "OTHER" };
    expect(await said({ inputs }, "lockstep-proof.yml")).toEqual([
      422,
      "Provided value 'OTHER' for input 'secret' not in the list of allowed values",
    ]);
    expect((await said({ inputs: 7 }))[0]).toBe(422);
    expect(repositoryOf(world.sandbox).runs).toHaveLength(1);
  });

  it("is refused for a workflow that is disabled, by hand or by request", async () => {
    const act = { act: "set-workflow", repository: CALLED, workflow: DEPLOY } as const;
    world.sandbox.control.act({ ...act, enabled: false });
    const disabled = "Cannot trigger a 'workflow_dispatch' on a disabled workflow";
    expect(await said({})).toEqual([422, disabled]);
    expect(() => queued()).toThrow("disabled");
    const path = `${REPO}/actions/workflows/${DEPLOY}`;
    expect(at((await send("GET", path)).body, "state")).toBe("disabled_manually");
    expect((await send("PUT", `${path}/enable`)).status).toBe(204);
    expect((await said({}))[0]).toBe(204);
    expect((await send("PUT", `${path}/disable`)).status).toBe(204);
    expect((await said({}))[0]).toBe(422);
  });

  it("wants permission to write Actions", async () => {
    const reply = await world.githubWith("read-only")("POST", DISPATCHES, { ref: "main" });
    expect([reply.status, reply.headers.get("x-accepted-github-permissions")]).toEqual([
      403,
      "actions=write",
    ]);
  });
});

describe("the value that a run holds", () => {
  const [a, b] = [RAXX.sessionAuthorization, RAXX.billingAuthorization];

  it("is the repository's, then the organization's, as of queueing", () => {
    const organization = { organization: "raxx-app" };
    set(organization, b);
    set({ repository: CALLED }, a);
    const both = queued({ hold: "queued" });
    set({ repository: CALLED }, null);
    const shared = queued({ hold: "queued" });
    set(organization, b, { visibility: "selected", repositories: [] });
    const none = queued({ hold: "queued" });
    for (const run of [both, shared, none])
      world.sandbox.control.act({ act: "finish-run", repository: CALLED, run });
    expect([both, shared, none].map(heldBy)).toEqual([a, b, null]);
    expect(repositoryOf(world.sandbox).runs.map((one) => one.conclusion)).toEqual([
      "failure",
      "success",
      "success",
    ]);
  });

  it("is Dependabot's where Dependabot is the actor", () => {
    set({ repository: CALLED, kind: "dependabot" }, a);
    expect(heldBy(queued({ actor: "dependabot[bot]" }))).toBe(a);
    expect(heldBy(queued())).toBe(RAXX.currentAuthorization);
  });

  it("is the environment's, as of the start of the job", async () => {
    const [workflow] = repositoryOf(world.sandbox).workflows;
    if (workflow) workflow.environment = "production";
    const run = queued({ hold: "queued" });
    set({ repository: CALLED, environment: "production" }, a);
    expect(heldBy(run)).toBe(RAXX.currentAuthorization);
    world.sandbox.control.act({ act: "start-run", repository: CALLED, run });
    set({ repository: CALLED, environment: "production" }, b);
    expect(heldBy(run)).toBe(a);
    const later = queued();
    await world.clock.advance(1000);
    expect(heldBy(later)).toBe(b);
  });
});
