import { nodeId, stamp, userReply } from "./replies.ts";
import { minimalRepositoryReply } from "./repository-replies.ts";
import { COMMIT_MESSAGE } from "./runner.ts";
import type { Job, Repository, Workflow, WorkflowRun } from "./state.ts";

/** A workflow. */
export function workflowReply(api: string, repository: Repository, workflow: Workflow) {
  const page = `https://github.com/${repository.owner}/${repository.name}`;
  return {
    id: workflow.id,
    node_id: nodeId("W", workflow.id),
    name: workflow.name,
    path: workflow.path,
    state: workflow.state,
    created_at: stamp(repository.createdAt),
    updated_at: stamp(repository.createdAt),
    url: `${api}/repos/${repository.owner}/${repository.name}/actions/workflows/${workflow.id}`,
    html_url: `${page}/blob/${repository.defaultBranch}/${workflow.path}`,
    badge_url: `${page}/workflows/${encodeURIComponent(workflow.name)}/badge.svg`,
  };
}

/** A workflow run. */
export function runReply(api: string, repository: Repository, run: WorkflowRun) {
  const base = `${api}/repos/${repository.owner}/${repository.name}/actions`;
  const url = `${base}/runs/${run.id}`;
  const workflow = repository.workflows.find((one) => one.id === run.workflowId);
  const actor = userReply(api, run.actor, repository.id + 1);
  const minimal = minimalRepositoryReply(api, repository);
  return {
    id: run.id,
    // What `run-name` says, where the file has one: this field then is no workflow's name (actions/runner#4141).
    name: workflow?.proves ? run.title : (workflow?.name ?? null),
    node_id: nodeId("WFR", run.id),
    head_branch: run.ref,
    head_sha: run.headSha,
    path: workflow?.path ?? "",
    display_title: run.title,
    run_number: run.number,
    run_attempt: 1,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflowId,
    check_suite_id: run.id,
    check_suite_node_id: nodeId("CS", run.id),
    url,
    html_url: `https://github.com/${repository.owner}/${repository.name}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: stamp(run.createdAt),
    updated_at: stamp(run.updatedAt),
    run_started_at: stamp(run.createdAt),
    actor,
    triggering_actor: actor,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${api}/repos/${repository.owner}/${repository.name}/check-suites/${run.id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: null,
    workflow_url: `${base}/workflows/${run.workflowId}`,
    head_commit: {
      id: run.headSha,
      tree_id: run.headSha,
      message: COMMIT_MESSAGE,
      timestamp: stamp(repository.createdAt),
      author: { name: run.actor, email: "noreply@example.com" },
      committer: { name: run.actor, email: "noreply@example.com" },
    },
    repository: minimal,
    head_repository: minimal,
  };
}

/** A job of a run; its check run goes by the job's id. */
export function jobReply(api: string, repository: Repository, run: WorkflowRun, job: Job) {
  const base = `${api}/repos/${repository.owner}/${repository.name}`;
  const workflow = repository.workflows.find((one) => one.id === run.workflowId);
  const progress = { status: job.status, conclusion: job.conclusion };
  const completedAt = job.completedAt === null ? null : stamp(job.completedAt);
  // A job that has not started names the time at which it was created.
  const times = { started_at: stamp(job.startedAt ?? job.createdAt), completed_at: completedAt };
  const ran = job.startedAt !== null && job.conclusion !== "skipped";
  return {
    id: job.id,
    run_id: run.id,
    workflow_name: workflow?.name ?? null,
    head_branch: run.ref,
    run_url: `${base}/actions/runs/${run.id}`,
    run_attempt: 1,
    node_id: nodeId("CR", job.id),
    head_sha: run.headSha,
    url: `${base}/actions/jobs/${job.id}`,
    html_url: `https://github.com/${repository.owner}/${repository.name}/actions/runs/${run.id}/job/${job.id}`,
    ...progress,
    created_at: stamp(job.createdAt),
    ...times,
    name: job.name,
    steps: ran ? [{ name: job.step, number: 1, ...progress, ...times }] : [],
    check_run_url: `${base}/check-runs/${job.id}`,
    labels: ["ubuntu-latest"],
    runner_id: null,
    runner_name: null,
    runner_group_id: null,
    runner_group_name: null,
  };
}
