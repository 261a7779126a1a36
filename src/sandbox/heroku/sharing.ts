import type { Hono } from "hono";
import { answer, findApp, type HerokuContext, type HerokuEnv, HerokuRefusal, need } from "./access.ts";
import { derivedId, somebody } from "./people.ts";
import { page } from "./ranges.ts";
import { stamp } from "./replies.ts";
import type { AppAccess, HerokuApp, HerokuState, Permission } from "./state.ts";

// The first is the schema's own example; the others follow Heroku's matrix of app permissions.
const PERMISSIONS: Record<Permission, string> = {
  view: "Can view the app and its activity.",
  deploy: "Can manage config, deploy, run commands and restart the app.",
  operate: "Can manage config, scale, restart and run commands on the app.",
  manage: "Can manage access to the app, rename and delete it.",
};

const ALL: readonly Permission[] = ["view", "deploy", "operate", "manage"];

/** What the account may do with an app, by its role or by what a team allows it. */
export function permissionsOf({ role, team, permissions }: AppAccess): readonly Permission[] {
  if (role === "none") return [];
  if (role === "owner" || role === "admin") return ALL;
  return team === null ? ["view", "deploy", "operate"] : permissions;
}

/** The app in the path, if the account may deploy or operate it; what it wants to do is named in the refusal. */
export function mayChange(c: HerokuContext, what: string): HerokuApp {
  const app = findApp(c);
  const held = permissionsOf(app.access);
  if (held.includes("deploy") || held.includes("operate")) return app;
  throw new HerokuRefusal(
    403,
    "forbidden",
    `You do not have permission to ${what} on ${app.name}. You need to have the deploy or operate permission on this app.`,
  );
}

/** Adds who may do what: collaborators of apps, and what the CLI asks of teams. */
export function sharingRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/collaborators", (c) => list(c, findApp(c)));
  app.get("/apps/:app/collaborators/:who", (c) => one(c, findApp(c)));
  app.get("/teams/apps/:app/collaborators", (c) => list(c, teamApp(c)));
  app.get("/teams/apps/:app/collaborators/:who", (c) => one(c, teamApp(c)));
  app.get("/teams/permissions", (c) => c.json(ALL.map(permissionReply)));
  app.get("/teams/:team/members", (c) => {
    need(c, "read");
    const team = c.req.param("team");
    const shared = c.env.state.apps.find(
      ({ access }) => access.role !== "none" && (access.team?.name === team || access.team?.id === team),
    );
    if (!shared) throw new HerokuRefusal(404, "not_found", "Couldn't find that team.", { resource: "team" });
    return c.json(
      rows(c.env.state, shared)
        .filter(({ role }) => role !== "collaborator")
        .map(({ app: _app, permissions: _permissions, ...member }) => ({
          ...member,
          email: member.user.email,
        })),
    );
  });
}

function teamApp(c: HerokuContext): HerokuApp {
  const app = findApp(c);
  if (app.access.team === null)
    throw new HerokuRefusal(404, "not_found", "Couldn't find that team app.", { resource: "team_app" });
  return app;
}

function list(c: HerokuContext, app: HerokuApp): Response {
  need(c, "read");
  const found = page(rows(c.env.state, app), c.req.header("range") ?? null, { id: (row) => row.id });
  return answer(c, found, (row) => row);
}

function one(c: HerokuContext, app: HerokuApp): Response {
  need(c, "read");
  const asked = c.req.param("who");
  const row = rows(c.env.state, app).find(({ id, user }) => id === asked || user.email === asked);
  if (row) return c.json(row);
  throw new HerokuRefusal(404, "not_found", "Couldn't find that collaborator.", { resource: "collaborator" });
}

function rows(state: HerokuState, app: HerokuApp) {
  const { account } = state;
  const { access } = app;
  const row = (user: { id: string; email: string; federated: boolean }, share: Share) => ({
    app: { name: app.name, id: app.id },
    created_at: stamp(access.since),
    id: derivedId(`${app.id} ${user.id}`),
    // Only a team's apps have permissions of their own (the CLI prints that column for them alone).
    ...(access.team ? { permissions: share.permissions.map(permissionReply) } : {}),
    role: share.role,
    updated_at: stamp(access.since),
    user: { email: user.email, federated: user.federated, id: user.id },
  });
  const own = row(
    { id: account.id, email: account.email, federated: account.federated },
    { role: access.role, permissions: permissionsOf(access) },
  );
  if (access.role === "owner") return [own];
  const head = access.team ? "admin" : "owner";
  const other = row({ ...somebody(head), federated: false }, { role: head, permissions: ALL });
  return [own, other];
}

interface Share {
  role: AppAccess["role"];
  permissions: readonly Permission[];
}

function permissionReply(name: Permission): { name: string; description: string } {
  return { name, description: PERMISSIONS[name] };
}
