import { alphanumeric, uuid } from "../random.ts";
import { type World, wrote } from "../world.ts";
import type { InfisicalContext } from "./access.ts";
import { approvalReply } from "./replies.ts";
import type { Approval, Folder, InfisicalState, Project } from "./state.ts";
import { createSecret, deleteSecret, findSecret, updateSecret } from "./vault.ts";

/** Where an approval policy holds this place, files the change and answers with it instead of applying it. */
export function heldForApproval(
  c: InfisicalContext,
  place: { project: Project; environment: string; path: string },
  folder: Folder,
  change: Approval["change"],
): Response | null {
  const path = place.path === "/" ? "/" : place.path.replace(/\/$/, "");
  const policy = place.project.approvalPolicies.find(
    (one) => one.environment === place.environment && one.secretPath === path,
  );
  const actor = c.get("actor");
  const covered =
    actor.kind === "user" || (actor.kind === "identity" && c.env.live.settings.approvalsCoverIdentities);
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
    change,
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
  const { kind, key, value, comment } = approval.change;
  const fields = { ...(value === null ? {} : { value }), comment: comment ?? undefined };
  const secret = findSecret(project, folder, key);
  if (kind === "create" && !secret) createSecret(project, folder, key, fields, approval.actor, world);
  if (kind === "update" && secret) updateSecret(secret, fields, approval.actor, world);
  if (kind === "delete" && secret) deleteSecret(project, secret);
}
