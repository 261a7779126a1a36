import type { RunRecord } from "../core/record.ts";
import { copiesOf } from "../core/snapshot.ts";
import { listRuns } from "../db/runs.ts";
import type { Home } from "./home.ts";
import { planFor } from "./runs.ts";

/** What would break if a secret died now, from the configuration and the record; no vendor is asked. */
export interface Impact {
  readonly secret: string;
  readonly copies: readonly { readonly target: string; readonly effect: string }[];
  readonly consumers: readonly { readonly name: string; readonly reads: string; readonly pulls: boolean }[];
  /** Connections of Lockstep that work with it, with the secrets that could not be rotated any more. */
  readonly access: readonly { readonly connection: string; readonly secrets: readonly string[] }[];
  /** Runs that need it to go on. */
  readonly runs: readonly RunRecord[];
}

const EFFECT = {
  "at-once": "whatever reads it gets a dead key at once",
  "on-release": "its processes are refused at their next call",
  "next-run": "jobs fail from now on",
} as const;

/** Tells what depends on a secret. Throws SECRET_UNKNOWN. */
export async function impactOf(home: Home, secret: string): Promise<Impact> {
  const { config, database } = home;
  const { snapshot } = planFor(config, { secret, flow: "rotate", reason: "scheduled", sandbox: false });
  const through = Object.entries(config.connections).filter(
    ([, connection]) => connection.credential["secret"] === secret,
  );
  const active = await listRuns(database, { active: true, limit: 1_000 });
  const access = through.map(([connection]) => ({
    connection,
    secrets: Object.entries(config.secrets)
      .filter(([, one]) =>
        [one.issuer, one.vault, ...one.destinations.flat()].some((place) => place.connection === connection),
      )
      .map(([name]) => name),
  }));
  const touched = new Set([secret, ...access.flatMap((one) => one.secrets)]);
  return {
    secret,
    copies: [snapshot.vault, ...copiesOf(snapshot)].map((copy) => ({
      target: copy.target,
      effect: EFFECT[copy.capabilities.effectiveWhen],
    })),
    consumers: (config.secrets[secret]?.consumers ?? []).map(({ name, reads, pulls }) => ({
      name,
      reads,
      pulls,
    })),
    access,
    runs: active.filter((run) => touched.has(run.secret)),
  };
}
