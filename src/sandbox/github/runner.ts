import { integerId } from "../random.ts";
import type { World } from "../world.ts";
import { PROOF_JOBS, proofJobName, proofOf, proofTitle, secretsRead } from "./proof.ts";
import {
  type Conclusion,
  type GithubState,
  type Job,
  organizationOf,
  type Repository,
  reaches,
  sameText,
  type Workflow,
  type WorkflowRun,
} from "./state.ts";

/** What queues a run; absent inputs are none. */
export interface Cause {
  event: string;
  ref: string;
  actor: string;
  inputs?: Record<string, string>;
  /** Where it stays until an act moves it on; as the settings say where absent. */
  hold?: GithubState["settings"]["holdRuns"];
}

/** The message of the commit that every branch of the sandbox stands at. */
export const COMMIT_MESSAGE = "Sandbox commit";

const DEPENDABOT = "dependabot[bot]";

/** Queues a run, which takes the repository's and the organization's secrets as they are now. */
export function queueRun(
  state: GithubState,
  repository: Repository,
  workflow: Workflow,
  cause: Cause,
  world: World,
): WorkflowRun {
  const { event, ref, actor, inputs = {}, hold = state.settings.holdRuns } = cause;
  const { queueMs, runMs } = state.settings;
  const at = world.now();
  const names = secretsRead(workflow, inputs);
  const run: WorkflowRun = {
    id: integerId(world.random),
    number: repository.runs.filter((one) => one.workflowId === workflow.id).length + 1,
    workflowId: workflow.id,
    title: titleOf(workflow, event, inputs),
    event,
    ref,
    headSha: repository.branches.find((one) => one.name === ref)?.sha ?? "",
    inputs,
    actor,
    status: "queued",
    conclusion: null,
    createdAt: at,
    updatedAt: at,
    startsAt: hold === "queued" ? null : at + queueMs,
    endsAt: hold === null ? at + queueMs + runMs : null,
    held: Object.fromEntries(names.map((name) => [name, atQueueing(state, repository, name, actor)])),
    jobs: [],
  };
  const [name, step] = workflow.proves === null ? ["deploy", "Deploy"] : [PROOF_JOBS.first, "Prove"];
  addJob(run, { id: integerId(world.random), name, step }, at);
  repository.runs.unshift(run);
  return run;
}

/** Lets queued runs start and running ones end that are due by now. */
export function settleGithub(state: GithubState, world: World): void {
  for (const repository of state.repositories)
    for (const run of repository.runs) if (run.status !== "completed") settleRun(repository, run, world);
}

/** Ends a run now, whatever it would have come to; jobs that have ended stay as they are. */
export function endRun(run: WorkflowRun, conclusion: NonNullable<WorkflowRun["conclusion"]>, now: number) {
  for (const job of run.jobs) if (job.status !== "completed") endJob(job, conclusion, now);
  finish(run, conclusion, now);
}

function settleRun(repository: Repository, run: WorkflowRun, world: World): void {
  const now = world.now();
  const workflow = repository.workflows.find((one) => one.id === run.workflowId);
  const [first] = run.jobs;
  if (!workflow || !first) return;
  if (run.status === "queued" && run.startsAt !== null && run.startsAt <= now) {
    run.status = "in_progress";
    run.updatedAt = run.startsAt;
    startJob(first, run.startsAt);
    readEnvironment(repository, workflow, run);
  }
  if (run.status !== "in_progress" || run.startsAt === null || run.endsAt === null) return;
  if (workflow.proves !== null) settleProof(run, { startsAt: run.startsAt, endsAt: run.endsAt }, world);
  else if (run.endsAt <= now) {
    const works = deployWorks(workflow, run, run.endsAt, world);
    endJob(first, works ? "success" : "failure", run.endsAt);
    finish(run, works ? "success" : "failure", run.endsAt);
  }
}

// The first job takes half of the time, the job that is named after its outcome the other half.
function settleProof(run: WorkflowRun, due: { startsAt: number; endsAt: number }, world: World): void {
  const half = Math.floor((due.startsAt + due.endsAt) / 2);
  const [first] = run.jobs;
  if (half > world.now()) return;
  if (first?.status === "in_progress") {
    const proof = proofOf(run.held[run.inputs["secret"] ?? ""], run.inputs["nonce"]);
    endJob(first, proof === null ? "failure" : "success", half);
    // No new chance is drawn here: looking at the state must not change what comes after.
    const second = addJob(run, { id: first.id + 1, name: proofJobName(proof), step: "Show" }, half);
    startJob(second, half);
    if (proof === null) {
      endJob(second, "skipped", half);
      finish(run, "failure", half);
      return;
    }
  }
  const second = run.jobs[1];
  if (due.endsAt > world.now() || !second) return;
  endJob(second, "success", due.endsAt);
  finish(run, "success", due.endsAt);
}

// An environment's secrets are read when the job starts, and go before the repository's and the organization's.
function readEnvironment(repository: Repository, workflow: Workflow, run: WorkflowRun): void {
  const { environment } = workflow;
  const place = repository.environments.find(
    (one) => environment !== null && sameText(one.name, environment),
  );
  for (const name of Object.keys(run.held)) {
    const own = place?.secrets.find((one) => one.name === name);
    if (own) run.held[name] = own.value;
  }
}

function atQueueing(state: GithubState, repository: Repository, name: string, actor: string): string | null {
  const kind = actor === DEPENDABOT ? "dependabot" : "actions";
  const own = kind === "actions" ? repository : repository.dependabot;
  const shared = organizationOf(state, repository)?.[kind].secrets.filter((one) => reaches(one, repository));
  return [...own.secrets, ...(shared ?? [])].find((one) => one.name === name)?.value ?? null;
}

function deployWorks(workflow: Workflow, run: WorkflowRun, at: number, world: World): boolean {
  if (workflow.deploysWith === null) return true;
  const held = run.held[workflow.deploysWith] ?? null;
  return held !== null && world.herokuAccepts(held, at);
}

function titleOf(workflow: Workflow, event: string, inputs: Record<string, string>): string {
  if (workflow.proves !== null) return proofTitle(inputs["nonce"] ?? "");
  return event === "push" ? COMMIT_MESSAGE : workflow.name;
}

function addJob(run: WorkflowRun, named: Pick<Job, "id" | "name" | "step">, at: number): Job {
  const job: Job = {
    ...named,
    status: "queued",
    conclusion: null,
    createdAt: at,
    startedAt: null,
    completedAt: null,
  };
  run.jobs.push(job);
  return job;
}

function startJob(job: Job, at: number): void {
  job.status = "in_progress";
  job.startedAt = at;
}

function endJob(job: Job, conclusion: Conclusion, at: number): void {
  Object.assign(job, { status: "completed", conclusion, completedAt: at });
}

function finish(run: WorkflowRun, conclusion: NonNullable<WorkflowRun["conclusion"]>, at: number): void {
  Object.assign(run, { status: "completed", conclusion, updatedAt: at, endsAt: at });
}
