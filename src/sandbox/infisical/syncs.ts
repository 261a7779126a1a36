import type { Hono } from "hono";
import { uuidOf } from "../random.ts";
import {
  authenticate,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  limit,
  projectFor,
  stringField,
} from "./access.ts";
import { permit } from "./permissions.ts";
import { locationOf } from "./references.ts";
import type { NativeSync, Project, SyncDestination } from "./state.ts";

const BASE = "/api/v1/secret-syncs";

/** Adds the reading of native syncs, which only the current build has. */
export function syncRoutes(app: Hono<InfisicalEnv>): void {
  app.get(BASE, (c) => {
    const project = projectAsked(c);
    return c.json({ secretSyncs: project.syncs.map((one) => syncReply(project, one)) });
  });
  app.get(`${BASE}/:destination`, (c) => {
    const project = projectAsked(c);
    const syncs = project.syncs.filter((one) => one.destination.kind === c.req.param("destination"));
    return c.json({ secretSyncs: syncs.map((one) => syncReply(project, one)) });
  });
  app.get(`${BASE}/:destination/:id`, (c) => {
    authenticate(c);
    limit(c, "read", "secret-syncs");
    const id = c.req.param("id");
    const project = c.env.state.projects.find((one) => one.syncs.some((sync) => sync.id === id));
    const sync = project?.syncs.find((one) => one.id === id);
    if (!project || !sync || sync.destination.kind !== c.req.param("destination"))
      throw new InfisicalRefusal(404, `Could not find Secret Sync with ID "${id}"`, "NotFound");
    projectFor(c, { id: project.id });
    permit(c, project, "read", locationOf(project, sync), "secret-syncs");
    return c.json({ secretSync: syncReply(project, sync) });
  });
}

function projectAsked(c: InfisicalContext): Project {
  authenticate(c);
  limit(c, "read", "secret-syncs");
  const project = projectFor(c, { id: stringField(c, c.req.query(), "projectId") });
  permit(c, project, "read", null, "secret-syncs");
  return project;
}

function syncReply(project: Project, sync: NativeSync) {
  const { environment: slug, path } = locationOf(project, sync);
  const environment = project.environments.find((one) => one.slug === slug);
  const at = new Date(sync.createdAt).toISOString();
  const { kind } = sync.destination;
  return {
    id: sync.id,
    name: sync.name,
    description: null,
    projectId: project.id,
    folderId: sync.folderId,
    connectionId: uuidOf(`${sync.id} connection`),
    destination: kind,
    destinationConfig: configReply(sync.destination),
    environment: { id: environment?.id ?? "", name: environment?.name ?? "", slug },
    folder: { id: sync.folderId, path },
    connection: { app: kind, name: `${kind} of the estate`, id: uuidOf(`${sync.id} connection`) },
    syncOptions: {
      initialSyncBehavior: sync.initialSyncBehavior,
      disableSecretDeletion: sync.disableSecretDeletion,
    },
    isAutoSyncEnabled: sync.isAutoSyncEnabled,
    version: 1,
    syncStatus: statusOf(sync),
    lastSyncedAt: sync.lastSyncedAt === null ? null : new Date(sync.lastSyncedAt).toISOString(),
    lastSyncJobId: null,
    lastSyncMessage: sync.error,
    importStatus: null,
    lastImportedAt: null,
    removeStatus: null,
    lastRemovedAt: null,
    createdAt: at,
    updatedAt: at,
  };
}

function statusOf(sync: NativeSync): string {
  if (sync.lastSyncedAt === null) return "pending";
  return sync.error === null ? "succeeded" : "failed";
}

function configReply(destination: SyncDestination) {
  if (destination.kind === "heroku") return { app: destination.app, appName: destination.app };
  if (destination.kind === "external-infisical") {
    const { projectId, environment, secretPath } = destination;
    return { projectId, environment, secretPath };
  }
  const [owner, repo] = destination.repository.split("/");
  const { environment } = destination;
  return environment === undefined
    ? { scope: "repository", owner, repo }
    : { scope: "repository-environment", owner, repo, env: environment };
}
