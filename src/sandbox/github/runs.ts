import type { Hono } from "hono";
import { type GithubContext, type GithubEnv, GithubRefusal, paged, repositoryWith } from "./access.ts";
import { api } from "./replies.ts";
import { jobReply, runReply } from "./run-replies.ts";
import type { Repository, WorkflowRun } from "./state.ts";

/** Adds runs, their jobs, and the two lists beside them that `gh run view` asks for. */
export function runRoutes(app: Hono<GithubEnv>): void {
  const base = "/repos/:owner/:repo/actions";
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
    const run = findRun(c, repository);
    const { items, headers } = paged(c, run.jobs);
    const jobs = items.map((one) => jobReply(api(c), repository, run, one));
    return c.json({ total_count: run.jobs.length, jobs }, 200, headers);
  });
  app.get(`${base}/jobs/:job`, (c) => {
    const repository = repositoryWith(c, "actions");
    const { run, job } = findJob(c, repository);
    return c.json(jobReply(api(c), repository, run, job));
  });
  app.get(`${base}/runs/:run/artifacts`, (c) => {
    findRun(c, repositoryWith(c, "actions"));
    return c.json({ total_count: 0, artifacts: [] });
  });
  app.get("/repos/:owner/:repo/check-runs/:job/annotations", (c) => {
    findJob(c, repositoryWith(c, "actions"));
    return c.json([]);
  });
}

/** A page of these runs, after the filters of the query. */
export function listRuns(c: GithubContext, repository: Repository, runs: WorkflowRun[]): Response {
  const { status, event, branch, actor, head_sha: sha, created } = c.req.query();
  const inTime = created === undefined ? () => true : createdWithin(created);
  const wanted = runs.filter(
    (one) =>
      (status === undefined || one.status === status || one.conclusion === status) &&
      (event === undefined || one.event === event) &&
      (branch === undefined || one.ref === branch) &&
      (actor === undefined || one.actor === actor) &&
      (sha === undefined || one.headSha === sha) &&
      inTime(Math.floor(one.createdAt / 1000) * 1000),
  );
  const { items, headers } = paged(c, wanted);
  const replies = items.map((one) => runReply(api(c), repository, one));
  return c.json({ total_count: wanted.length, workflow_runs: replies }, 200, headers);
}

/** Reads a filter in the syntax of GitHub's search: `>=TIME`, `TIME..TIME`, `*..TIME`, or a whole day. */
function createdWithin(text: string): (at: number) => boolean {
  const [, from, to] = /^(.+)\.\.(.+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined) {
    const first = from === "*" ? Number.NEGATIVE_INFINITY : moment(from).start;
    const last = to === "*" ? Number.POSITIVE_INFINITY : moment(to).end;
    return (at) => at >= first && at < last;
  }
  const [, sign = "", time = ""] = /^(<=|>=|<|>)?(.*)$/.exec(text) ?? [];
  const { start, end } = moment(time);
  if (sign === ">") return (at) => at >= end;
  if (sign === ">=") return (at) => at >= start;
  if (sign === "<") return (at) => at < start;
  if (sign === "<=") return (at) => at < end;
  return (at) => at >= start && at < end;
}

// A time lasts for a second, a date for a day.
function moment(text: string): { start: number; end: number } {
  const start = Date.parse(text);
  if (Number.isNaN(start)) throw new GithubRefusal(422, `Invalid request.\n\n"created" is no date: ${text}`);
  return { start, end: start + (text.includes("T") ? 1000 : 86_400_000) };
}

function findRun(c: GithubContext, repository: Repository): WorkflowRun {
  const run = repository.runs.find((one) => String(one.id) === c.req.param("run"));
  if (!run) throw new GithubRefusal(404, "Not Found");
  return run;
}

function findJob(c: GithubContext, repository: Repository) {
  for (const run of repository.runs) {
    const job = run.jobs.find((one) => String(one.id) === c.req.param("job"));
    if (job) return { run, job };
  }
  throw new GithubRefusal(404, "Not Found");
}
