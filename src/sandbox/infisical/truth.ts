import type { Holding } from "../truth.ts";
import { syncTruth } from "./pushing.ts";
import { locationOf } from "./references.ts";
import { folderPath, type InfisicalState } from "./state.ts";

type Held = (value: string | null | undefined) => Holding;

/** Every entry and whose it is, what waits for approval, and what else writes into the vault or out of it. */
export function infisicalTruth(infisical: InfisicalState, held: Held) {
  return {
    identities: infisical.identities.map(({ id, name }) => ({ id, name })),
    projects: infisical.projects.map((project) => ({
      id: project.id,
      secrets: project.secrets.map((secret) => {
        const folder = project.folders.find((one) => one.id === secret.folderId);
        const value = secret.versions.at(-1)?.value;
        return {
          environment: project.environments.find((one) => one.id === folder?.environmentId)?.slug ?? null,
          path: folder ? folderPath(project, folder) : null,
          key: secret.key,
          version: secret.versions.at(-1)?.version ?? 0,
          reference: value?.includes("${") === true,
          rotated: secret.rotationId !== null,
          ...held(value),
        };
      }),
      imports: project.imports.map((one) => ({ id: one.id, ...locationOf(project, one), from: one.from })),
      syncs: project.syncs.map((one) => syncTruth(project, one)),
      approvals: project.approvals.map(({ id, status, changes }) => {
        const [first] = changes;
        const keys = changes.map((one) => one.key);
        return { id, status, key: first?.key ?? "", kind: first?.kind ?? "update", keys };
      }),
    })),
  };
}
