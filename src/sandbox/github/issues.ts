import type { Hono } from "hono";
import { integerId } from "../random.ts";
import { jsonObject, wrote } from "../world.ts";
import { type GithubContext, type GithubEnv, GithubRefusal, paged, repositoryWith } from "./access.ts";
import { api, nodeId, stamp, userReply } from "./replies.ts";
import type { Issue, Repository } from "./state.ts";

/** Adds issues: list, create, read, change. */
export function issueRoutes(app: Hono<GithubEnv>): void {
  const base = "/repos/:owner/:repo/issues";
  app.get(base, (c) => {
    const repository = repositoryWith(c, "issues");
    const { state = "open", labels } = c.req.query();
    const wanted = labels === undefined ? [] : labels.split(",");
    const found = repository.issues.filter(
      (one) =>
        (state === "all" || one.state === state) && wanted.every((label) => one.labels.includes(label)),
    );
    const { items, headers } = paged(
      c,
      found.toSorted((a, b) => b.number - a.number),
    );
    return c.json(
      items.map((one) => issueReply(api(c), repository, one, c.get("version"))),
      200,
      headers,
    );
  });
  app.post(base, (c) => create(c, repositoryWith(c, "issues", "write")));
  app.get(`${base}/:number`, (c) => {
    const repository = repositoryWith(c, "issues");
    return c.json(issueReply(api(c), repository, find(c, repository), c.get("version")));
  });
  app.patch(`${base}/:number`, (c) => {
    const repository = repositoryWith(c, "issues", "write");
    const issue = find(c, repository);
    const { title, body, state } = jsonObject(c.env.body) ?? {};
    if (typeof title === "string") issue.title = title;
    if (typeof body === "string") issue.body = body;
    if (state === "open" || state === "closed") issue.state = state;
    issue.updatedAt = c.env.world.now();
    wrote(c.env, "issue");
    return c.json(issueReply(api(c), repository, issue, c.get("version")));
  });
}

function create(c: GithubContext, repository: Repository): Response {
  const fields = jsonObject(c.env.body);
  if (fields === null) throw new GithubRefusal(400, "Problems parsing JSON");
  const { title, body, labels } = fields;
  if (typeof title !== "string" || title === "") {
    throw new GithubRefusal(422, "Validation Failed", {
      errors: [{ resource: "Issue", code: "missing_field", field: "title" }],
    });
  }
  const caller = c.get("caller");
  const at = c.env.world.now();
  const issue: Issue = {
    id: integerId(c.env.world.random),
    number: repository.issues.length + 1,
    title,
    body: typeof body === "string" ? body : null,
    labels: Array.isArray(labels) ? labels.filter((one): one is string => typeof one === "string") : [],
    state: "open",
    login: caller?.login ?? "ghost",
    userId: caller?.userId ?? 0,
    createdAt: at,
    updatedAt: at,
  };
  repository.issues.push(issue);
  wrote(c.env, "issue");
  const reply = issueReply(api(c), repository, issue, c.get("version"));
  return c.json(reply, 201, { location: reply.url });
}

function find(c: GithubContext, repository: Repository): Issue {
  const found = repository.issues.find((one) => String(one.number) === c.req.param("number"));
  if (!found) throw new GithubRefusal(404, "Not Found");
  return found;
}

/** An issue; the singular `assignee` went away with 2026-03-10. */
function issueReply(origin: string, repository: Repository, issue: Issue, version: string) {
  const base = `${origin}/repos/${repository.owner}/${repository.name}`;
  const url = `${base}/issues/${issue.number}`;
  return {
    id: issue.id,
    node_id: nodeId("I", issue.id),
    url,
    repository_url: base,
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: `https://github.com/${repository.owner}/${repository.name}/issues/${issue.number}`,
    number: issue.number,
    state: issue.state,
    title: issue.title,
    body: issue.body,
    user: userReply(origin, issue.login, issue.userId),
    labels: issue.labels.map((name, index) => ({
      id: issue.id + index + 1,
      node_id: nodeId("LA", issue.id + index + 1),
      url: `${base}/labels/${encodeURIComponent(name)}`,
      name,
      description: null,
      color: "ededed",
      default: false,
    })),
    ...(version === "2022-11-28" ? { assignee: null } : {}),
    assignees: [],
    milestone: null,
    locked: false,
    comments: 0,
    closed_at: null,
    author_association: "MEMBER",
    created_at: stamp(issue.createdAt),
    updated_at: stamp(issue.updatedAt),
  };
}
