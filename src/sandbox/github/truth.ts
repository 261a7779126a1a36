import { tokenAlive } from "./access.ts";
import type { GithubState, SecretHolder } from "./state.ts";

/** Tells GitHub's tokens, every place that holds secrets, and every run, each value as `held` describes it. */
export function githubTruth<H>(
  github: GithubState,
  held: (values: Record<string, string | null>) => Record<string, H>,
  now: number,
) {
  const secrets = (holder: SecretHolder) =>
    held(Object.fromEntries(holder.secrets.map((secret) => [secret.name, secret.value])));
  return {
    tokens: github.tokens.map((one) => ({
      name: one.name,
      login: one.login,
      alive: tokenAlive(one, now),
      permissions: { ...one.permissions },
    })),
    repositories: github.repositories.map((one) => ({
      id: one.id,
      name: `${one.owner}/${one.name}`,
      /** Those of Actions. */
      secrets: secrets(one),
      dependabot: secrets(one.dependabot),
      codespaces: secrets(one.codespaces),
      environments: one.environments.map((place) => ({ name: place.name, secrets: secrets(place) })),
      workflows: one.workflows.map(({ id, path, state }) => ({ id, path, state })),
      runs: one.runs.map((run) => {
        const { id, workflowId, title, event, ref, headSha, status, conclusion, createdAt } = run;
        const jobs = run.jobs.map((job) => ({ name: job.name, conclusion: job.conclusion }));
        const told = { id, workflowId, title, event, ref, headSha, status, conclusion, createdAt, jobs };
        return { ...told, held: held(run.held) };
      }),
    })),
    organizations: github.organizations.map((one) => ({
      login: one.login,
      actions: secrets(one.actions),
      dependabot: secrets(one.dependabot),
      codespaces: secrets(one.codespaces),
    })),
  };
}
