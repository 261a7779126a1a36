import type { Hono } from "hono";
import { isObject, jsonObject } from "../world.ts";
import { type GithubContext, type GithubEnv, GithubRefusal, repositoryWith } from "./access.ts";
import type { Repository } from "./state.ts";

/** Adds the GraphQL queries that `gh workflow run` and `gh run` send beside REST; every other one is an error. */
export function graphqlRoutes(app: Hono<GithubEnv>): void {
  app.post("/graphql", (c) => {
    if (c.get("caller") === null)
      throw new GithubRefusal(401, "This endpoint requires you to be authenticated.");
    const { query, variables } = jsonObject(c.env.body) ?? {};
    const name = /\bquery (\w+)/.exec(String(query))?.[1] ?? "";
    const answer = ANSWERS[name];
    if (!answer) return c.json({ errors: [{ message: `The sandbox does not answer the query ${name}` }] });
    const { owner, name: repo = "", ...rest } = isObject(variables) ? variables : {};
    return c.json(answered(c, String(owner), String(rest["repo"] ?? repo), answer));
  });
}

const ANSWERS: Record<string, (repository: Repository, pushes: boolean) => unknown> = {
  RepositoryInfo: (repository, pushes) => ({
    id: `R_${repository.id}`,
    name: repository.name,
    owner: { login: repository.owner },
    hasIssuesEnabled: true,
    description: "",
    hasWikiEnabled: false,
    viewerPermission: pushes ? "WRITE" : "READ",
    defaultBranchRef: { name: repository.defaultBranch },
    parent: null,
    mergeCommitAllowed: true,
    rebaseMergeAllowed: true,
    squashMergeAllowed: true,
  }),
  PullRequestForRun: () => ({ pullRequests: { nodes: [] } }),
};

// Where REST answers 404, GraphQL answers 200 with null and an error.
function answered(
  c: GithubContext,
  owner: string,
  name: string,
  answer: NonNullable<(typeof ANSWERS)[string]>,
) {
  try {
    const repository = repositoryWith(c, "metadata", "read", { owner, name });
    const pushes = c.get("caller")?.permissions["contents"] === "write";
    return { data: { repository: answer(repository, pushes) } };
  } catch (error) {
    if (!(error instanceof GithubRefusal)) throw error;
    const message = `Could not resolve to a Repository with the name '${owner}/${name}'.`;
    return { data: { repository: null }, errors: [{ type: "NOT_FOUND", path: ["repository"], message }] };
  }
}
