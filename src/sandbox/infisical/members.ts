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
  usersOnly,
} from "./access.ts";
import { permit, privilegeRules, roleRules } from "./permissions.ts";
import type { Member, Privilege, Project, Role } from "./state.ts";

const ROLES: readonly Role[] = ["admin", "member", "viewer", "no-access"];

/**
 * Adds what an identity can read of its own rights: its membership names the role, the role its rules, and its
 * additional privileges what goes before them. The route that answers all at once is for people only.
 */
export function memberRoutes(app: Hono<InfisicalEnv>, generation: "v3" | "v4"): void {
  app.get("/api/v2/workspace/:project/identity-memberships/:identity", membership);
  app.get("/api/v1/workspace/:slug/roles/slug/:role", (c) => role(c, { slug: c.req.param("slug") ?? "" }));
  app.get("/api/v1/workspace/:project/permissions", everything);
  app.get("/api/v1/additional-privilege/identity", (c) => {
    const { projectSlug } = guarded(c);
    const { member } = memberAsked(c, { slug: projectSlug ?? "" });
    return c.json({ privileges: member.privileges.map(withRules) });
  });
  if (generation === "v3") return;
  app.get("/api/v1/projects/:project/memberships/identities/:identity", membership);
  app.get("/api/v1/projects/:project/roles/slug/:role", (c) => role(c, { id: c.req.param("project") ?? "" }));
  app.get("/api/v1/projects/:project/permissions", everything);
  const base = "/api/v2/identity-project-additional-privilege";
  app.get(base, (c) => {
    const { projectId } = guarded(c);
    // The list leaves the rules out; they are read one by one.
    const { member } = memberAsked(c, { id: projectId ?? "" });
    return c.json({ privileges: member.privileges.map(withoutRules) });
  });
  app.get(`${base}/:id`, (c) => {
    guarded(c);
    const id = c.req.param("id");
    const project = c.env.state.projects.find((one) => privilegeIn(one, id));
    const privilege = project && privilegeIn(project, id);
    if (!project || !privilege)
      throw new InfisicalRefusal(404, `Identity privilege with ID '${id}' not found`, "NotFound");
    projectFor(c, { id: project.id });
    permit(c, project, "read", null, "identity");
    return c.json({ privilege: withRules(privilege) });
  });
}

function guarded(c: InfisicalContext): Record<string, string> {
  authenticate(c);
  limit(c, "read", "members");
  return c.req.query();
}

function memberAsked(
  c: InfisicalContext,
  reference: { id: string } | { slug: string },
  identity = stringField(c, c.req.query(), "identityId"),
): { project: Project; member: Member } {
  const project = projectFor(c, reference);
  permit(c, project, "read", null, "identity");
  const member = project.members.find((one) => one.identityId === identity);
  if (!member)
    throw new InfisicalRefusal(
      404,
      `Project membership for identity with ID '${identity}' not found`,
      "NotFound",
    );
  return { project, member };
}

function membership(c: InfisicalContext): Response {
  guarded(c);
  const { project, member } = memberAsked(
    c,
    { id: c.req.param("project") ?? "" },
    c.req.param("identity") ?? "",
  );
  const at = new Date(member.createdAt).toISOString();
  const name = c.env.live.identities.find((one) => one.id === member.identityId)?.name ?? "";
  const { id: orgId } = c.env.state.organization;
  return c.json({
    identityMembership: {
      id: member.id,
      identityId: member.identityId,
      createdAt: at,
      updatedAt: at,
      roles: [
        {
          id: uuidOf(`${member.id} role`),
          role: member.role,
          customRoleId: null,
          customRoleName: null,
          customRoleSlug: null,
          isTemporary: false,
          temporaryMode: null,
          temporaryRange: null,
          temporaryAccessStartTime: null,
          temporaryAccessEndTime: null,
        },
      ],
      identity: { id: member.identityId, name, orgId, authMethods: ["universal-auth"], projectId: null },
      project: { id: project.id, name: project.name },
    },
  });
}

function role(c: InfisicalContext, reference: { id: string } | { slug: string }): Response {
  guarded(c);
  const project = projectFor(c, reference);
  permit(c, project, "read", null, "role");
  const slug = ROLES.find((one) => one === c.req.param("role"));
  if (!slug) throw new InfisicalRefusal(404, `Role with slug '${c.req.param("role")}' not found`, "NotFound");
  const at = new Date(c.env.world.now()).toISOString();
  const shown = {
    id: uuidOf(`${project.id} ${slug}`),
    name: slug,
    slug,
    description: null,
    projectId: project.id,
  };
  return c.json({ role: { ...shown, permissions: roleRules(slug), createdAt: at, updatedAt: at } });
}

function everything(c: InfisicalContext): Response {
  guarded(c);
  usersOnly(c);
  projectFor(c, { id: c.req.param("project") });
  return c.json({ data: { permissions: roleRules("admin"), memberships: [] } });
}

function privilegeIn(project: Project, id: string): Privilege | undefined {
  return project.members.flatMap((one) => one.privileges).find((one) => one.id === id);
}

function withoutRules(one: Privilege) {
  const at = new Date(one.createdAt).toISOString();
  const never = { temporaryMode: null, temporaryRange: null, temporaryAccessStartTime: null };
  const shown = { id: one.id, slug: one.slug, createdAt: at, updatedAt: at };
  return { ...shown, isTemporary: false, ...never, temporaryAccessEndTime: null };
}

function withRules(one: Privilege) {
  return { ...withoutRules(one), permissions: privilegeRules(one) };
}
