import type { Hono } from "hono";
import { isObject, jsonObject, wrote } from "../world.ts";
import { type GithubContext, type GithubEnv, GithubRefusal, paged, repositoryWith } from "./access.ts";
import { api } from "./replies.ts";
import { runReply, workflowReply } from "./run-replies.ts";
import { queueRun } from "./runner.ts";
import { listRuns } from "./runs.ts";
import type { Repository, Workflow } from "./state.ts";

/** Adds workflows, their dispatch, and switching them off and on. */
export function workflowRoutes(app: Hono<GithubEnv>): void {
  const base = "/repos/:owner/:repo/actions/workflows";
  app.get(base, (c) => {
    const repository = repositoryWith(c, "actions");
    const { items, headers } = paged(c, repository.workflows);
    const workflows = items.map((one) => workflowReply(api(c), repository, one));
    return c.json({ total_count: repository.workflows.length, workflows }, 200, headers);
  });
  app.get(`${base}/:workflow`, (c) => {
    const repository = repositoryWith(c, "actions");
    return c.json(workflowReply(api(c), repository, findWorkflow(c, repository)));
  });
  app.get(`${base}/:workflow/runs`, (c) => {
    const repository = repositoryWith(c, "actions");
    const { id } = findWorkflow(c, repository);
    const runs = repository.runs.filter((one) => one.workflowId === id);
    return listRuns(c, repository, runs);
  });
  app.post(`${base}/:workflow/dispatches`, (c) => dispatch(c));
  for (const [verb, state] of [
    ["enable", "active"],
    ["disable", "disabled_manually"],
  ] as const) {
    app.put(`${base}/:workflow/${verb}`, (c) => {
      findWorkflow(c, repositoryWith(c, "actions", "write")).state = state;
      wrote(c.env, "state");
      return c.body(null, 204);
    });
  }
}

function dispatch(c: GithubContext): Response {
  const repository = repositoryWith(c, "actions", "write");
  const workflow = findWorkflow(c, repository);
  const fields = jsonObject(c.env.body);
  if (fields === null) throw new GithubRefusal(400, "Problems parsing JSON");
  const { ref } = fields;
  if (typeof ref !== "string") throw new GithubRefusal(422, 'Invalid request.\n\n"ref" wasn\'t supplied.');
  const branch = ref.replace(/^refs\/heads\//, "");
  if (!repository.branches.some((one) => one.name === branch))
    throw new GithubRefusal(422, `No ref found for: ${ref}`);
  const inputs = dispatchInputs(workflow, fields["inputs"]);
  const actor = c.get("caller")?.login ?? "ghost";
  const cause = { event: "workflow_dispatch", ref: branch, actor, inputs };
  const run = queueRun(c.env.state, repository, workflow, cause, c.env.world);
  wrote(c.env, "run");
  // 204 went away with 2026-03-10; before, the run is told only where the request asks for it.
  if (c.get("version") === "2022-11-28" && fields["return_run_details"] !== true) return c.body(null, 204);
  const { url, html_url } = runReply(api(c), repository, run);
  return c.json({ workflow_run_id: run.id, run_url: url, html_url });
}

/** Checks that a workflow can be dispatched with these inputs, and returns them as text; refuses with 422. */
export function dispatchInputs(workflow: Workflow, given: unknown): Record<string, string> {
  const refuse = (message: string) => new GithubRefusal(422, message);
  if (!workflow.dispatchable) throw refuse("Workflow does not have 'workflow_dispatch' trigger");
  if (workflow.state !== "active")
    throw refuse("Cannot trigger a 'workflow_dispatch' on a disabled workflow");
  if (given !== undefined && !isObject(given))
    throw refuse("Invalid request.\n\nFor 'properties/inputs', value is not an object.");
  const inputs = Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => [name, String(value)]),
  );
  const unexpected = Object.keys(inputs).filter((name) => !(name in workflow.inputs));
  if (unexpected.length > 0) throw refuse(`Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  for (const [name, { required, options }] of Object.entries(workflow.inputs)) {
    const value = inputs[name] ?? "";
    if (required && value === "") throw refuse(`Required input '${name}' not provided`);
    if (value !== "" && options !== null && !options.includes(value))
      throw refuse(`Provided value '${value}' for input '${name}' not in the list of allowed values`);
  }
  return inputs;
}

function findWorkflow(c: GithubContext, repository: Repository): Workflow {
  const identity = c.req.param("workflow") ?? "";
  const found = repository.workflows.find(
    (one) => String(one.id) === identity || one.path.endsWith(`/${identity}`),
  );
  if (!found) throw new GithubRefusal(404, "Not Found");
  return found;
}
