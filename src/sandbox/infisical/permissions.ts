import { type InfisicalContext, InfisicalRefusal } from "./access.ts";
import type { Action, Member, Privilege, Project, Role, Subject } from "./state.ts";

/** A place that a permission is asked for; null for the project as a whole. */
type Where = { environment: string; path: string } | null;

const BASE: Readonly<Record<Role, Readonly<Record<Subject, readonly Action[]>>>> = {
  admin: roleOf(["read", "create", "edit", "delete"]),
  member: roleOf(["read", "create", "edit", "delete"]),
  viewer: roleOf(["read"]),
  "no-access": { secrets: [], "secret-imports": [], "secret-syncs": [], identity: [], role: [] },
};

function roleOf(actions: readonly Action[]): Readonly<Record<Subject, readonly Action[]>> {
  return {
    secrets: actions,
    "secret-imports": actions,
    "secret-syncs": actions,
    identity: actions,
    role: ["read"],
  };
}

/** The caller's membership in a project, where it is a machine identity. */
function memberOf(c: InfisicalContext, project: Project): Member | null {
  return project.members.find((one) => one.identityId === c.get("actor").id) ?? null;
}

/** Whether the caller may do this there: its role, then its privileges, of which the last that fits decides. */
export function may(
  c: InfisicalContext,
  project: Project,
  action: Action,
  where: Where,
  subject: Subject = "secrets",
): boolean {
  const actor = c.get("actor");
  if (actor.kind === "user") return true;
  if (actor.kind === "service") return serviceMay(c, actor.id, project, action, where);
  const member = memberOf(c, project);
  if (!member) return false;
  const fitting = member.privileges.findLast((one) => fits(one, subject, action, where));
  return fitting ? !fitting.inverted : grants(BASE[member.role][subject], action);
}

/** Refuses the call unless the caller may do this there. */
export function permit(
  c: InfisicalContext,
  project: Project,
  action: Action,
  where: Where,
  subject: Subject = "secrets",
): void {
  if (may(c, project, action, where, subject)) return;
  throw new InfisicalRefusal(403, `You are not allowed to ${action} on ${subject}`, "PermissionDenied");
}

/** Refuses to show a secret's value to a caller who may see only its key; `read` is asked for first. */
export function permitValue(c: InfisicalContext, project: Project, where: Where, key: string): void {
  if (may(c, project, "readValue", where)) return;
  const message = `You do not have permission to view secret value on secret with name '${key}'`;
  throw new InfisicalRefusal(403, message, "ForbiddenReadSecretError");
}

/** The rules of a role, as the vendor lists them. */
export function roleRules(role: Role) {
  return Object.entries(BASE[role]).flatMap(([subject, actions]) =>
    actions.length === 0 ? [] : [{ subject, action: shown(subject, actions) }],
  );
}

/** The rules of a privilege, as the vendor lists them. */
export function privilegeRules(one: Privilege) {
  const conditions = {
    ...(one.environment === null ? {} : { environment: { $eq: one.environment } }),
    ...(one.secretPath === null ? {} : { secretPath: { $glob: one.secretPath } }),
  };
  const rule = { subject: one.subject, action: shown(one.subject, one.actions), inverted: one.inverted };
  return [Object.keys(conditions).length === 0 ? rule : { ...rule, conditions }];
}

function shown(subject: string, actions: readonly Action[]): Action[] {
  return actions.flatMap((action) =>
    subject === "secrets" && action === "read" ? (["describeSecret", "readValue"] as const) : [action],
  );
}

function fits(one: Privilege, subject: Subject, action: Action, where: Where): boolean {
  if (one.subject !== subject || !touches(one, action)) return false;
  if (where === null) return one.environment === null && one.secretPath === null;
  if (one.environment !== null && one.environment !== where.environment) return false;
  return one.secretPath === null || matches(one.secretPath, where.path);
}

function grants(actions: readonly Action[], action: Action): boolean {
  if (actions.includes(action)) return true;
  if (action === "read") return actions.includes("describeSecret");
  return actions.includes("read") && (action === "describeSecret" || action === "readValue");
}

// Without its value a secret can still be described; without being described it cannot be read at all.
function touches(one: Privilege, action: Action): boolean {
  if (one.inverted && action === "readValue" && one.actions.includes("describeSecret")) return true;
  return grants(one.actions, action);
}

function serviceMay(
  c: InfisicalContext,
  id: string,
  project: Project,
  action: Action,
  where: Where,
): boolean {
  const token = c.env.live.serviceTokens.find((one) => one.id === id);
  const inScope =
    where !== null &&
    token?.scopes.some((one) => one.environment === where.environment && matches(one.secretPath, where.path));
  const reads = action === "read" || action === "describeSecret" || action === "readValue";
  return (
    token?.projectId === project.id &&
    inScope === true &&
    token.permissions.includes(reads ? "read" : "write")
  );
}

function matches(glob: string, path: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\/\*\*$/, "(/.*)?")
    .replace(/\*\*/g, ".*")
    .replace(/(?<!\.)\*/g, "[^/]*");
  return new RegExp(`^${pattern}/?$`).test(path);
}
