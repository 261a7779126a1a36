import type { Hono } from "hono";
import { uuid } from "../random.ts";
import { wrote } from "../world.ts";
import {
  authenticate,
  bodyFields,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  invalid,
  limit,
  optionalString,
  projectFor,
  stringField,
  usersOnly,
} from "./access.ts";
import { permit } from "./permissions.ts";
import { folderReply, secretReply } from "./replies.ts";
import { folderAt, type Project } from "./state.ts";
import { ensureFolder } from "./vault.ts";

/** Adds folders, tags, projects, version history and what else this sandbox answers of the rest. */
export function projectRoutes(app: Hono<InfisicalEnv>, generation: "v3" | "v4"): void {
  folderRoutes(app, "/api/v1/folders", "workspaceId");
  if (generation === "v4") folderRoutes(app, "/api/v2/folders", "projectId");
  app.post("/api/v1/workspace/:project/tags", (c) => {
    authenticate(c);
    limit(c, "write", "tags");
    return createTag(c);
  });
  app.get("/api/v1/workspace/:project", (c) => {
    authenticate(c);
    limit(c, "read", "workspace");
    const { id, name, slug, environments } = projectFor(c, { id: c.req.param("project") });
    return c.json({
      workspace: { id, _id: id, name, slug, environments, orgId: c.env.state.organization.id },
    });
  });
  if (generation === "v4") currentProjectRoutes(app);
  app.get("/api/v1/secret/:secret/secret-versions", (c) => {
    authenticate(c);
    usersOnly(c);
    limit(c, "read", "secret-versions");
    return versions(c);
  });
  app.post("/api/v1/webhooks", (c) => {
    authenticate(c);
    usersOnly(c);
    throw new InfisicalRefusal(400, "The sandbox sends no webhooks", "BadRequest");
  });
  app.post("/api/v1/secret-approvals", (c) => {
    authenticate(c);
    usersOnly(c);
    limit(c, "write", "secret-approvals");
    const message =
      "Failed to create secret approval policy due to plan restriction. Upgrade plan to create secret approval policy.";
    throw new InfisicalRefusal(400, message, "BadRequest");
  });
  app.get("/api/v1/organization/audit-logs", (c) => {
    authenticate(c);
    limit(c, "read", "audit-logs");
    return c.json({ auditLogs: [] });
  });
}

// What a survey starts from: the projects that the identity belongs to, and their environments.
function currentProjectRoutes(app: Hono<InfisicalEnv>): void {
  const shown = (c: InfisicalContext, { id, name, slug, environments }: Project) => {
    const kind = { type: "secret-manager", hasDeleteProtection: false };
    return { id, _id: id, name, slug, environments, orgId: c.env.state.organization.id, ...kind };
  };
  app.get("/api/v1/projects", (c) => {
    authenticate(c);
    limit(c, "read", "projects");
    const actor = c.get("actor");
    const mine = (one: Project) =>
      actor.kind === "user" || one.members.some((member) => member.identityId === actor.id);
    return c.json({ projects: c.env.state.projects.filter(mine).map((one) => shown(c, one)) });
  });
  app.get("/api/v1/projects/:project", (c) => {
    authenticate(c);
    limit(c, "read", "projects");
    return c.json({ project: shown(c, projectFor(c, { id: c.req.param("project") })) });
  });
}

function folderRoutes(
  app: Hono<InfisicalEnv>,
  base: string,
  projectField: "workspaceId" | "projectId",
): void {
  app.get(base, (c) => {
    authenticate(c);
    limit(c, "read", `list ${base}`);
    const query = c.req.query();
    const project = projectFor(c, { id: stringField(c, query, projectField) });
    const environment = stringField(c, query, "environment");
    const path = query["path"] ?? query["directory"] ?? "/";
    permit(c, project, "read", { environment, path });
    const parent = folderAt(project, environment, path);
    const folders = parent ? project.folders.filter((one) => one.parentId === parent.id) : [];
    return c.json({ folders: folders.map((one) => folderReply(project, one, c.env.live.generation)) });
  });
  app.post(base, (c) => {
    authenticate(c);
    limit(c, "secrets", `create ${base}`);
    const fields = bodyFields(c);
    const project = projectFor(c, { id: stringField(c, fields, projectField) });
    const environment = stringField(c, fields, "environment");
    const name = stringField(c, fields, "name");
    const path = optionalString(c, fields, "path") ?? optionalString(c, fields, "directory") ?? "/";
    permit(c, project, "create", { environment, path });
    if (!/^[a-zA-Z0-9-_]+$/.test(name)) throw badFolderName(c);
    const known = project.environments.find((one) => one.slug === environment);
    if (!known) {
      const message = `Environment with slug '${environment}' in project with ID '${project.id}' not found`;
      throw new InfisicalRefusal(404, message, "NotFound");
    }
    const before = project.folders.length;
    const folder = ensureFolder(project, known.id, `${path}/${name}`, c.env.world);
    if (project.folders.length > before) wrote(c.env, "folder");
    return c.json({ folder: folderReply(project, folder, c.env.live.generation) });
  });
}

function badFolderName(c: InfisicalContext): InfisicalRefusal {
  if (c.env.live.generation === "v3")
    return new InfisicalRefusal(500, "Something went wrong", "Find by secret path");
  const message = "Folder name can only contain alphanumeric characters, dashes, and underscores";
  return invalid(c, [{ code: "custom", path: ["name"], message }]);
}

function createTag(c: InfisicalContext): Response {
  const project = projectFor(c, { id: c.req.param("project") });
  const fields = bodyFields(c);
  const at = c.env.world.now();
  const tag = {
    id: uuid(c.env.world.random),
    slug: stringField(c, fields, "slug"),
    color: stringField(c, fields, "color"),
    createdAt: at,
    createdBy: c.get("actor").id,
  };
  project.tags.push(tag);
  wrote(c.env, "tag");
  const stamp = new Date(at).toISOString();
  const shown = { ...tag, createdAt: stamp, updatedAt: stamp, projectId: project.id };
  return c.json({ workspaceTag: { ...shown, createdByActorType: c.get("actor").kind } });
}

function versions(c: InfisicalContext): Response {
  const id = c.req.param("secret");
  const project = c.env.state.projects.find((one) => one.secrets.some((secret) => secret.id === id));
  const secret = project?.secrets.find((one) => one.id === id);
  if (!project || !secret) throw new InfisicalRefusal(404, `Secret with ID '${id}' not found`, "NotFound");
  const offset = Number(c.req.query("offset") ?? 0);
  const rows = secret.versions.toReversed().slice(offset, offset + Number(c.req.query("limit") ?? 20));
  return c.json({
    secretVersions: rows.map((row) => {
      const stamp = new Date(row.createdAt).toISOString();
      const reply = secretReply(c.env.state, project, secret, { version: row.version });
      return { ...reply, id: row.id, _id: row.id, createdAt: stamp, updatedAt: stamp };
    }),
  });
}
