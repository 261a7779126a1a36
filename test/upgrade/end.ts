import type { Run } from "../simulation/crew.ts";
import type { End } from "./golden.ts";
import type { Stage } from "./stage.ts";

/** How things stand after a run, told without values and without ids that are made up anew each time. */
export function endOf({ sandbox, memory }: Stage, run: Run): End {
  const { status = "unknown", trouble } = memory.runs.get(run.id) ?? {};
  const { heroku, github, infisical } = sandbox.control.truth();
  const named = new Map(heroku.authorizations.map(({ id, description }) => [id, description]));
  const holds: Record<string, string> = {};
  const note = (place: string, values: Readonly<Record<string, { readonly holds: string | null }>>) => {
    for (const [name, value] of Object.entries(values)) {
      const holder = named.get(value.holds ?? "");
      if (holder !== undefined) holds[`${place} ${name}`] = holder;
    }
  };
  for (const { name, config, dynos } of heroku.apps) {
    note(name, config);
    for (const dyno of dynos) note(`${name} ${dyno.name}`, dyno.env);
  }
  for (const { name, secrets } of github.repositories) note(name, secrets);
  for (const { secrets } of infisical.projects)
    for (const one of secrets) note(`${one.environment}${one.path}`, { [one.key]: one });
  return {
    status,
    trouble: trouble?.code ?? null,
    alive: heroku.authorizations
      .filter(({ alive }) => alive)
      .map(({ description }) => description)
      .sort(),
    holds,
    generations: memory.generations.map(({ credential, state }) => `${credential.description} ${state}`),
    owed: [...memory.owed.values()].map(({ severity, secret }) => `${severity} ${secret}`),
  };
}
