import type { Issue, Repository, Workflow, WorkflowRun } from "./state.ts";

/** GitHub's timestamps carry whole seconds. */
export function stamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}

const USER_LINKS: Record<string, string> = {
  followers_url: "/followers",
  following_url: "/following{/other_user}",
  gists_url: "/gists{/gist_id}",
  starred_url: "/starred{/owner}{/repo}",
  subscriptions_url: "/subscriptions",
  organizations_url: "/orgs",
  repos_url: "/repos",
  events_url: "/events{/privacy}",
  received_events_url: "/received_events",
};

const REPOSITORY_LINKS: Record<string, string> = {
  archive_url: "/{archive_format}{/ref}",
  assignees_url: "/assignees{/user}",
  blobs_url: "/git/blobs{/sha}",
  branches_url: "/branches{/branch}",
  collaborators_url: "/collaborators{/collaborator}",
  comments_url: "/comments{/number}",
  commits_url: "/commits{/sha}",
  compare_url: "/compare/{base}...{head}",
  contents_url: "/contents/{+path}",
  contributors_url: "/contributors",
  deployments_url: "/deployments",
  downloads_url: "/downloads",
  events_url: "/events",
  forks_url: "/forks",
  git_commits_url: "/git/commits{/sha}",
  git_refs_url: "/git/refs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  hooks_url: "/hooks",
  issue_comment_url: "/issues/comments{/number}",
  issue_events_url: "/issues/events{/number}",
  issues_url: "/issues{/number}",
  keys_url: "/keys{/key_id}",
  labels_url: "/labels{/name}",
  languages_url: "/languages",
  merges_url: "/merges",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  pulls_url: "/pulls{/number}",
  releases_url: "/releases{/id}",
  stargazers_url: "/stargazers",
  statuses_url: "/statuses/{sha}",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  tags_url: "/tags",
  teams_url: "/teams",
  trees_url: "/git/trees{/sha}",
};

/** A user or organization, in short. */
function userReply(api: string, login: string, id: number, type: "User" | "Organization" = "User") {
  const url = `${api}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId("U", id),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: "",
    url,
    html_url: `https://github.com/${login}`,
    ...linked(url, USER_LINKS),
    type,
    site_admin: false,
  };
}

/** `GET /user`. */
export function privateUserReply(api: string, login: string, id: number) {
  const zeroes = {
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    private_gists: 0,
    total_private_repos: 1,
    owned_private_repos: 0,
    disk_usage: 0,
    collaborators: 0,
  };
  const unset = {
    name: null,
    company: null,
    blog: null,
    location: null,
    email: null,
    hireable: null,
    bio: null,
  };
  const created = stamp(Date.UTC(2024, 0, 1));
  return {
    ...userReply(api, login, id),
    user_view_type: "private",
    ...unset,
    ...zeroes,
    created_at: created,
    updated_at: created,
    two_factor_authentication: true,
  };
}

/** A repository as it appears inside other objects. */
function minimalRepositoryReply(api: string, repository: Repository) {
  const url = `${api}/repos/${repository.owner}/${repository.name}`;
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: `${repository.owner}/${repository.name}`,
    private: repository.private,
    owner: userReply(api, repository.owner, repository.id - 1, "Organization"),
    html_url: `https://github.com/${repository.owner}/${repository.name}`,
    description: null,
    fork: false,
    url,
    ...linked(url, REPOSITORY_LINKS),
  };
}

/** `GET /repos/{owner}/{repo}`. */
export function repositoryReply(api: string, repository: Repository, permissions: { push: boolean }) {
  const path = `${repository.owner}/${repository.name}`;
  const open = repository.issues.filter((one) => one.state === "open").length;
  return {
    ...minimalRepositoryReply(api, repository),
    git_url: `git://github.com/${path}.git`,
    ssh_url: `git@github.com:${path}.git`,
    clone_url: `https://github.com/${path}.git`,
    svn_url: `https://github.com/${path}`,
    mirror_url: null,
    homepage: null,
    language: "Python",
    license: null,
    default_branch: repository.defaultBranch,
    visibility: repository.private ? "private" : "public",
    ...{ forks_count: 0, stargazers_count: 0, watchers_count: 0, size: 1024, forks: 0, watchers: 0 },
    ...{ subscribers_count: 1, network_count: 0, open_issues: open, open_issues_count: open },
    ...{ has_issues: true, has_projects: true, has_wiki: false, has_pages: false, has_discussions: false },
    ...{ archived: false, disabled: false },
    permissions: {
      admin: false,
      maintain: false,
      push: permissions.push,
      triage: permissions.push,
      pull: true,
    },
    created_at: stamp(repository.createdAt),
    updated_at: stamp(repository.createdAt),
    pushed_at: stamp(repository.createdAt),
  };
}

/** A workflow. */
export function workflowReply(api: string, repository: Repository, workflow: Workflow) {
  const page = `https://github.com/${repository.owner}/${repository.name}`;
  return {
    id: workflow.id,
    node_id: nodeId("W", workflow.id),
    name: workflow.name,
    path: workflow.path,
    state: "active",
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
    name: workflow?.name ?? null,
    node_id: nodeId("WFR", run.id),
    head_branch: run.ref,
    head_sha: repository.headSha,
    path: workflow?.path ?? "",
    display_title: workflow?.name ?? "",
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
      id: repository.headSha,
      tree_id: repository.headSha,
      message: "Sandbox commit",
      timestamp: stamp(repository.createdAt),
      author: { name: run.actor, email: "noreply@example.com" },
      committer: { name: run.actor, email: "noreply@example.com" },
    },
    repository: minimal,
    head_repository: minimal,
  };
}

/** The one job of a run; its check run goes by the run's id. */
export function jobReply(api: string, repository: Repository, run: WorkflowRun) {
  const base = `${api}/repos/${repository.owner}/${repository.name}`;
  const workflow = repository.workflows.find((one) => one.id === run.workflowId);
  const completedAt = run.conclusion === null ? null : stamp(run.endsAt);
  const progress = { status: run.status, conclusion: run.conclusion };
  const times = { started_at: stamp(run.startsAt), completed_at: completedAt };
  return {
    id: run.id,
    run_id: run.id,
    workflow_name: workflow?.name ?? null,
    head_branch: run.ref,
    run_url: `${base}/actions/runs/${run.id}`,
    run_attempt: 1,
    node_id: nodeId("CR", run.id),
    head_sha: repository.headSha,
    url: `${base}/actions/jobs/${run.id}`,
    html_url: `https://github.com/${repository.owner}/${repository.name}/actions/runs/${run.id}/job/${run.id}`,
    ...progress,
    created_at: stamp(run.createdAt),
    ...times,
    name: "deploy",
    steps: run.status === "queued" ? [] : [{ name: "Deploy", number: 1, ...progress, ...times }],
    check_run_url: `${base}/check-runs/${run.id}`,
    labels: ["ubuntu-latest"],
    runner_id: null,
    runner_name: null,
    runner_group_id: null,
    runner_group_name: null,
  };
}

/** An issue; the singular `assignee` went away with 2026-03-10. */
export function issueReply(api: string, repository: Repository, issue: Issue, version: string) {
  const base = `${api}/repos/${repository.owner}/${repository.name}`;
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
    user: userReply(api, issue.login, issue.userId),
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

function linked(url: string, links: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(links).map(([name, tail]) => [name, url + tail]));
}

function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(String(id)).toString("base64url")}`;
}
