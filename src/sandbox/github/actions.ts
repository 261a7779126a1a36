import type { Context, Hono } from "hono";
import { integerId } from "../random.ts";
import { jsonObject, type World, wrote } from "../world.ts";
import { type GithubContext, type GithubEnv, GithubRefusal, paged, repositoryWith } from "./access.ts";
import { jobReply, runReply, workflowReply } from "./replies.ts";
import { type GithubState, type Repository, secretFor, type Workflow, type WorkflowRun } from "./state.ts";

/** Adds workflows, their dispatch, and runs. */
export function actionsRoutes(app: Hono<GithubEnv>): void {
  const base = "/repos/:owner/:repo/actions";
  app.get(`${base}/workflows`, (c) => {
    const repository = repositoryWith(c, "actions");
    const { items, headers } = paged(c, repository.workflows);
    const workflows = items.map((one) => workflowReply(api(c), repository, one));
    return c.json({ total_count: repository.workflows.length, workflows }, 200, headers);
  });
  app.get(`${base}/workflows/:workflow`, (c) => {
    const repository = repositoryWith(c, "actions");
    return c.json(workflowReply(api(c), repository, findWorkflow(c, repository)));
  });
  app.post(`${base}/workflows/:workflow/dispatches`, (c) => dispatch(c));
  app.get(`${base}/workflows/:workflow/runs`, (c) => {
    const repository = repositoryWith(c, "actions");
    const workflow = findWorkflow(c, repository);
    return listRuns(
      c,
      repository,
      repository.runs.filter((one) => one.workflowId === workflow.id),
    );
  });
  app.get(`${base}/runs`, (c) => {
    const repository = repositoryWith(c, "actions");
    return listRuns(c, repository, repository.runs);
  });
  app.get(`${base}/runs/:run`, (c) => {
    const repository = repositoryWith(c, "actions");
    return c.json(runReply(api(c), repository, findRun(c, repository)));
  });
  app.get(`${base}/runs/:run/jobs`, (c) => {
    const repository = repositoryWith(c, "actions");
    return c.json({ total_count: 1, jobs: [jobReply(api(c), repository, findRun(c, repository))] });
  });
  app.get(`${base}/runs/:run/artifacts`, (c) => {
    findRun(c, repositoryWith(c, "actions"));
    return c.json({ total_count: 0, artifacts: [] });
  });
  app.get("/repos/:owner/:repo/check-runs/:run/annotations", (c) => {
    findRun(c, repositoryWith(c, "actions"));
    return c.json([]);
  });
}

/** Lets queued runs start and running ones end that are due by now. */
export function settleGithub(state: GithubState, world: World): void {
  for (const repository of state.repositories)
    for (const run of repository.runs) settleRun(repository, run, world);
}

function settleRun(repository: Repository, run: WorkflowRun, world: World): void {
  const workflow = repository.workflows.find((one) => one.id === run.workflowId);
  if (run.status === "queued" && run.startsAt <= world.now()) {
    run.status = "in_progress";
    run.updatedAt = run.startsAt;
    const name = workflow?.deploysWith ?? null;
    // Environment secrets are read when the job starts, repository secrets were read when the run was queued.
    if (name !== null && workflow?.environment) {
      const environment = repository.environments.find((one) => one.name === workflow.environment);
      const own = environment?.secrets.find((one) => one.name === name);
      if (own) run.held[name] = own.value;
    }
  }
  if (run.status !== "in_progress" || run.endsAt > world.now()) return;
  const held = workflow?.deploysWith ? (run.held[workflow.deploysWith] ?? null) : null;
  const works = !workflow?.deploysWith || (held !== null && world.herokuAccepts(held, run.endsAt));
  run.status = "completed";
  run.conclusion = works ? "success" : "failure";
  run.updatedAt = run.endsAt;
}

/** Queues a run, which takes the repository secret as it is now. */
export function queueRun(
  state: GithubState,
  repository: Repository,
  workflow: Workflow,
  cause: { event: string; ref: string; actor: string },
  world: World,
): WorkflowRun {
  const at = world.now();
  const name = workflow.deploysWith;
  const run: WorkflowRun = {
    id: integerId(world.random),
    number: repository.runs.filter((one) => one.workflowId === workflow.id).length + 1,
    workflowId: workflow.id,
    ...cause,
    status: "queued",
    conclusion: null,
    createdAt: at,
    updatedAt: at,
    startsAt: at + state.settings.queueMs,
    endsAt: at + state.settings.queueMs + state.settings.runMs,
    held: name === null ? {} : { [name]: secretFor(repository, null, name)?.value ?? null },
  };
  repository.runs.unshift(run);
  return run;
}

function dispatch(c: GithubContext): Response {
  const repository = repositoryWith(c, "actions", "write");
  const workflow = findWorkflow(c, repository);
  const fields = jsonObject(c.env.body);
  if (fields === null) throw new GithubRefusal(400, "Problems parsing JSON");
  const { ref } = fields;
  if (typeof ref !== "string") throw new GithubRefusal(422, 'Invalid request.\n\n"ref" wasn\'t supplied.');
  const branch = ref.replace(/^refs\/heads\//, "");
  if (!repository.branches.includes(branch)) throw new GithubRefusal(422, `No ref found for: ${ref}`);
  if (!workflow.dispatchable)
    throw new GithubRefusal(422, "Workflow does not have 'workflow_dispatch' trigger");
  const actor = c.get("caller")?.login ?? "ghost";
  const run = queueRun(
    c.env.state,
    repository,
    workflow,
    { event: "workflow_dispatch", ref: branch, actor },
    c.env.world,
  );
  wrote(c.env, "run");
  // 204 went away with 2026-03-10; before, the run is told only where the request asks for it.
  if (c.get("version") === "2022-11-28" && fields["return_run_details"] !== true) return c.body(null, 204);
  const { url, html_url } = runReply(api(c), repository, run);
  return c.json({ workflow_run_id: run.id, run_url: url, html_url });
}

function listRuns(c: GithubContext, repository: Repository, runs: WorkflowRun[]): Response {
  const { status, event, branch, actor } = c.req.query();
  const wanted = runs.filter(
    (one) =>
      (status === undefined || one.status === status || one.conclusion === status) &&
      (event === undefined || one.event === event) &&
      (branch === undefined || one.ref === branch) &&
      (actor === undefined || one.actor === actor),
  );
  const { items, headers } = paged(c, wanted);
  return c.json(
    { total_count: wanted.length, workflow_runs: items.map((one) => runReply(api(c), repository, one)) },
    200,
    headers,
  );
}

function findWorkflow(c: GithubContext, repository: Repository): Workflow {
  const identity = c.req.param("workflow") ?? "";
  const found = repository.workflows.find(
    (one) => String(one.id) === identity || one.path.endsWith(`/${identity}`),
  );
  if (!found) throw new GithubRefusal(404, "Not Found");
  return found;
}

function findRun(c: GithubContext, repository: Repository): WorkflowRun {
  const run = repository.runs.find((one) => String(one.id) === c.req.param("run"));
  if (!run) throw new GithubRefusal(404, "Not Found");
  return run;
}

/** Base URL for links in replies, as the client addressed this server. */
export function api(c: Context<GithubEnv>): string {
  return new URL(c.req.url).origin;
}
