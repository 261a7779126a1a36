import type { Hono } from "hono";
import { alphanumeric, uuid, uuidOf } from "../random.ts";
import { type World, wrote } from "../world.ts";
import {
  authenticate,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  limit,
  projectFor,
  usersOnly,
} from "./access.ts";
import { locationOf } from "./references.ts";
import { approvalReply } from "./replies.ts";
import type { Approval, Change, Folder, InfisicalState, Project } from "./state.ts";
import { createSecret, deleteSecret, findSecret, updateSecret } from "./vault.ts";

/** Adds the reading of change requests, which the vendor shows to people only. */
export function approvalRoutes(app: Hono<InfisicalEnv>): void {
  const base = "/api/v1/secret-approval-requests";
  const guard = (c: InfisicalContext) => {
    authenticate(c);
    if (!c.env.live.settings.approvalsShownToIdentities) usersOnly(c);
    limit(c, "read", "secret-approval-requests");
  };
  app.get(base, (c) => {
    guard(c);
    const { projectId, workspaceId, environment, status } = c.req.query();
    const project = projectFor(c, { id: projectId ?? workspaceId ?? "" });
    const found = project.approvals
      .filter((one) => status === undefined || approvalReply(one).status === status)
      .map((one) => detail(project, one))
      .filter((one) => environment === undefined || one.environment === environment);
    return c.json({ approvals: found, totalCount: found.length });
  });
  app.get(`${base}/:id`, (c) => {
    guard(c);
    const id = c.req.param("id");
    const project = c.env.state.projects.find((one) => one.approvals.some((other) => other.id === id));
    const approval = project?.approvals.find((one) => one.id === id);
    if (!project || !approval)
      throw new InfisicalRefusal(404, `Secret approval request with ID '${id}' not found`, "NotFound");
    projectFor(c, { id: project.id });
    return c.json({ approval: detail(project, approval) });
  });
}

/** Where an approval policy holds this place, files the changes and answers with them instead of applying them. */
export function heldForApproval(
  c: InfisicalContext,
  place: { project: Project; environment: string; path: string },
  folder: Folder,
  changes: Change[],
): Response | null {
  const path = place.path === "/" ? "/" : place.path.replace(/\/$/, "");
  const policy = place.project.approvalPolicies.find(
    (one) => one.environment === place.environment && one.secretPath === path,
  );
  const actor = c.get("actor");
  const identities = policy?.coversIdentities === true || c.env.live.settings.approvalsCoverIdentities;
  const covered = actor.kind === "user" || (actor.kind === "identity" && identities);
  if (!policy || !covered) return null;
  const at = c.env.world.now();
  const approval: Approval = {
    id: uuid(c.env.world.random),
    policyId: policy.id,
    slug: alphanumeric(c.env.world.random, 10),
    status: "open",
    folderId: folder.id,
    actor: actor.id,
    createdAt: at,
    updatedAt: at,
    changes,
  };
  place.project.approvals.push(approval);
  wrote(c.env, "approval");
  return c.json({ approval: approvalReply(approval) });
}

/** Merges or rejects a change that waits; returns false where no open one has this id. */
export function decideApproval(
  state: InfisicalState,
  id: string,
  decision: "merge" | "reject",
  world: World,
): boolean {
  for (const project of state.projects) {
    const approval = project.approvals.find((one) => one.id === id && one.status === "open");
    if (!approval) continue;
    approval.status = decision === "merge" ? "merged" : "rejected";
    approval.updatedAt = world.now();
    if (decision === "merge") apply(project, approval, world);
    return true;
  }
  return false;
}

function apply(project: Project, approval: Approval, world: World): void {
  const folder = project.folders.find((one) => one.id === approval.folderId);
  if (!folder) return;
  for (const { kind, key, value, comment } of approval.changes) {
    const fields = { ...(value === null ? {} : { value }), comment: comment ?? undefined };
    const secret = findSecret(project, folder, key);
    if (kind === "create" && !secret) createSecret(project, folder, key, fields, approval.actor, world);
    if (kind === "update" && secret) updateSecret(secret, fields, approval.actor, world);
    if (kind === "delete" && secret) deleteSecret(project, secret);
  }
}

// The values of the changes are never shown here: the schema lets them be absent, and nobody needs them to decide.
function detail(project: Project, approval: Approval) {
  const where = locationOf(project, approval);
  const policy = project.approvalPolicies.find((one) => one.id === approval.policyId);
  const folder = project.folders.find((one) => one.id === approval.folderId);
  return {
    ...approvalReply(approval),
    environment: where.environment,
    secretPath: where.path,
    policy: {
      id: approval.policyId,
      name: `policy of ${policy?.secretPath ?? where.path}`,
      approvals: 1,
      approvers: [],
      bypassers: [],
      secretPath: policy?.secretPath ?? where.path,
      enforcementLevel: "hard",
      deletedAt: policy ? null : new Date(approval.updatedAt).toISOString(),
      allowedSelfApprovals: true,
    },
    committerUser: null,
    reviewers: [],
    commits: approval.changes.map(({ kind, key }) => ({
      id: uuidOf(`${approval.id} ${key}`),
      op: kind,
      secretKey: key,
      secretValueHidden: true,
      secret: commitTarget(project, folder, key),
    })),
  };
}

function commitTarget(project: Project, folder: Folder | undefined, key: string) {
  const secret = folder && findSecret(project, folder, key);
  if (!secret) return null;
  return {
    id: secret.id,
    version: secret.versions.at(-1)?.version ?? 1,
    secretKey: key,
    secretValueHidden: true,
  };
}
