import type { Hono } from "hono";
import { type GithubEnv, GithubRefusal, paged, repositoryWith } from "./access.ts";
import { api } from "./replies.ts";
import { environmentReply, refReply, repositoryReply } from "./repository-replies.ts";
import { type Environment, type Repository, sameText } from "./state.ts";

/** Adds the repository itself, its environments, and where its branches stand. */
export function repositoryRoutes(app: Hono<GithubEnv>): void {
  const base = "/repos/:owner/:repo";
  app.get(base, (c) => {
    const repository = repositoryWith(c, "metadata");
    const caller = c.get("caller");
    const member = caller?.repositories.includes(repository.id) === true;
    const role = caller === null ? null : member ? caller.role : "read";
    return c.json(repositoryReply(api(c), repository, role));
  });
  app.get(`${base}/environments`, (c) => {
    const repository = repositoryWith(c, "actions");
    const { items, headers } = paged(c, repository.environments);
    const environments = items.map((one) => environmentReply(api(c), repository, one));
    return c.json({ total_count: repository.environments.length, environments }, 200, headers);
  });
  app.get(`${base}/environments/:environment`, (c) => {
    const repository = repositoryWith(c, "actions");
    const environment = environmentIn(repository, c.req.param("environment"));
    return c.json(environmentReply(api(c), repository, environment));
  });
  app.get(`${base}/git/ref/heads/:branch{.+}`, (c) => {
    const repository = repositoryWith(c, "contents");
    const branch = repository.branches.find((one) => one.name === c.req.param("branch"));
    if (!branch) throw new GithubRefusal(404, "Not Found");
    return c.json(refReply(api(c), repository, branch));
  });
}

/** The environment of this name; its letters' case does not matter. */
export function environmentIn(repository: Repository, name: string | undefined): Environment {
  const found = repository.environments.find((one) => sameText(one.name, name));
  if (!found) throw new GithubRefusal(404, "Not Found");
  return found;
}
