import { linked, nodeId, stamp, userReply } from "./replies.ts";
import type { Environment, Repository, Role } from "./state.ts";

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

/** A repository as it appears inside other objects. */
export function minimalRepositoryReply(api: string, repository: Repository) {
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

const ROLES: Role[] = ["read", "triage", "write", "maintain", "admin"];

/** `GET /repos/{owner}/{repo}`; the role is the user's, not the token's, and null for nobody. */
export function repositoryReply(api: string, repository: Repository, role: Role | null) {
  const may = (needed: Role) => role !== null && ROLES.indexOf(role) >= ROLES.indexOf(needed);
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
    ...(role === null
      ? {}
      : {
          permissions: {
            admin: may("admin"),
            maintain: may("maintain"),
            push: may("write"),
            triage: may("triage"),
            pull: may("read"),
          },
        }),
    created_at: stamp(repository.createdAt),
    updated_at: stamp(repository.createdAt),
    pushed_at: stamp(repository.createdAt),
  };
}

/** An environment without protection rules. */
export function environmentReply(api: string, repository: Repository, environment: Environment) {
  const { owner, name } = repository;
  const called = encodeURIComponent(environment.name);
  return {
    id: environment.id,
    node_id: nodeId("EN", environment.id),
    name: environment.name,
    url: `${api}/repos/${owner}/${name}/environments/${called}`,
    html_url: `https://github.com/${owner}/${name}/deployments/activity_log?environments_filter=${called}`,
    created_at: stamp(environment.createdAt),
    updated_at: stamp(environment.createdAt),
    can_admins_bypass: true,
    protection_rules: [],
    deployment_branch_policy: null,
  };
}

/** A branch as a git reference. */
export function refReply(api: string, repository: Repository, branch: { name: string; sha: string }) {
  const git = `${api}/repos/${repository.owner}/${repository.name}/git`;
  const ref = `refs/heads/${branch.name}`;
  const object = { type: "commit", sha: branch.sha, url: `${git}/commits/${branch.sha}` };
  return { ref, node_id: nodeId("REF", repository.id), url: `${git}/${ref}`, object };
}
