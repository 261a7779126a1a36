import { beforeEach, describe, expect, it } from "vitest";
import { raxxEstate } from "../estate.ts";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import type { Action } from "./state.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;
const PLACE = { environment: "prod", secretPath: "/MooseQuest/heroku" };
const V4 = { projectId: RAXX.projectId, ...PLACE };
const KEY = "/api/v4/secrets/HEROKU_API_KEY";
const query = (fields: Record<string, string>) => `?${new URLSearchParams(fields)}`;

beforeEach(async () => {
  world = await testSandbox();
  send = await world.login("lockstep");
});

function permission(actions: Action[], allow: boolean, path?: string) {
  const act = { act: "set-vault-permission", identity: "lockstep", actions, allow } as const;
  return world.sandbox.control.act(path === undefined ? act : { ...act, path });
}

describe("[HK-25] rights of an identity at a path", () => {
  it("[HK-25] are taken away and given back for writing, with the vendor's refusal", async () => {
    permission(["edit", "create"], false, "/MooseQuest/heroku");
    const refused = await send("PATCH", KEY, { ...V4, secretValue: "x" });
    expect([refused.status, at(refused.body, "message"), at(refused.body, "error")]).toEqual([
      403,
      "You are not allowed to edit on secrets",
      "PermissionDenied",
    ]);
    expect(at(refused.body, "details")).toEqual([]);
    expect((await send("GET", KEY + query(V4))).status).toBe(200);
    const app = { ...V4, secretPath: "/MooseQuest/app", secretValue: "x" };
    expect((await send("PATCH", "/api/v4/secrets/SECRET_KEY", app)).status).toBe(200);
    permission(["edit"], true, "/MooseQuest/**");
    expect((await send("PATCH", KEY, { ...V4, secretValue: "x" })).status).toBe(200);
    expect((await send("POST", "/api/v4/secrets/NEW", { ...V4, secretValue: "x" })).status).toBe(403);
    world.sandbox.control.act({ act: "clear-vault-permissions", identity: "lockstep" });
    expect((await send("POST", "/api/v4/secrets/NEW", { ...V4, secretValue: "x" })).status).toBe(200);
  });

  it("[HK-25] may show a key without its value", async () => {
    permission(["readValue"], false);
    const refused = await send("GET", KEY + query(V4));
    expect([refused.status, at(refused.body, "error")]).toEqual([403, "ForbiddenReadSecretError"]);
    const hidden = await send("GET", KEY + query({ ...V4, viewSecretValue: "false" }));
    expect([hidden.status, at(hidden.body, "secret", "secretValueHidden")]).toEqual([200, true]);
  });

  it("[HK-25] are read before a write: the role, its rules, and what goes before them", async () => {
    const { id } = world.sandbox.control.estate().infisical.identities["lockstep"] ?? { id: "" };
    permission(["edit"], false, "/MooseQuest/heroku");
    const member = await send("GET", `/api/v1/projects/${RAXX.projectId}/memberships/identities/${id}`);
    expect(at(member.body, "identityMembership", "roles", 0, "role")).toBe("member");
    const role = await send("GET", `/api/v1/projects/${RAXX.projectId}/roles/slug/member`);
    expect(at(role.body, "role", "permissions", 0)).toEqual({
      subject: "secrets",
      action: ["describeSecret", "readValue", "create", "edit", "delete"],
    });
    const base = "/api/v2/identity-project-additional-privilege";
    const list = await send("GET", base + query({ identityId: id, projectId: RAXX.projectId }));
    expect(at(list.body, "privileges", 0, "permissions")).toBeUndefined();
    const one = await send("GET", `${base}/${at(list.body, "privileges", 0, "id")}`);
    expect(at(one.body, "privilege", "permissions")).toEqual([
      {
        subject: "secrets",
        action: ["edit"],
        inverted: true,
        conditions: { secretPath: { $glob: "/MooseQuest/heroku" } },
      },
    ]);
    const older = "/api/v1/additional-privilege/identity";
    const known = await send("GET", older + query({ identityId: id, projectSlug: "moose-quest-je-oq" }));
    expect(at(known.body, "privileges", 0, "permissions", 0, "inverted")).toBe(true);
    // All at once is for people.
    expect((await send("GET", `/api/v1/projects/${RAXX.projectId}/permissions`)).status).toBe(403);
  });

  it("[HK-25] follow the role, and end with the membership", async () => {
    const set = (role: "viewer" | null) =>
      world.sandbox.control.act({ act: "set-vault-role", identity: "lockstep", role });
    set("viewer");
    expect((await send("PATCH", KEY, { ...V4, secretValue: "x" })).status).toBe(403);
    set(null);
    expect((await send("GET", KEY + query(V4))).status).toBe(403);
    const { id } = world.sandbox.control.estate().infisical.identities["viewer"] ?? { id: "" };
    const stranger = await world.login("stranger");
    const url = `/api/v1/projects/${RAXX.projectId}/memberships/identities/${id}`;
    expect((await stranger("GET", url)).status).toBe(403);
  });
});

describe("[DR-15] a survey of the vault", () => {
  const survey = (environment: string, reader = send) =>
    reader(
      "GET",
      `/api/v4/secrets${query({ projectId: RAXX.projectId, environment, secretPath: "/", recursive: "true" })}`,
    );

  it("[DR-15] starts from the projects and environments that the identity belongs to", async () => {
    const { body } = await send("GET", "/api/v1/projects");
    expect(at(body, "projects", 0, "id")).toBe(RAXX.projectId);
    expect(at(body, "projects", 0, "environments", 2, "slug")).toBe("prod");
    const stranger = await world.login("stranger");
    expect((await stranger("GET", "/api/v1/projects")).body).toEqual({ projects: [] });
  });

  it("[DR-15] sees every path of an environment, as far as the identity may read", async () => {
    const paths = async () => {
      const { body } = await survey("prod");
      const secrets: unknown = at(body, "secrets");
      return Array.isArray(secrets)
        ? secrets.map((one) => `${at(one, "secretPath")}/${at(one, "secretKey")}`)
        : body;
    };
    const all = [
      "/MooseQuest/heroku/HEROKU_API_KEY",
      "/MooseQuest/heroku/HEROKU_BILLING_API_KEY",
      "/MooseQuest/app/SECRET_KEY",
    ];
    expect(await paths()).toEqual(all);
    // What may not be read is left out without a word: the survey is then smaller, not refused.
    permission(["read"], false, "/MooseQuest/app");
    expect(await paths()).toEqual(all.slice(0, 2));
    permission(["readValue"], false, "/MooseQuest/**");
    expect(await paths()).toEqual([]);
  });

  it("[DR-15] is refused in the folder that was asked for, and told of a path that is not there", async () => {
    permission(["readValue"], false, "/MooseQuest/**");
    expect((await send("GET", `/api/v4/secrets${query(V4)}`)).status).toBe(403);
    const nowhere = await send("GET", `/api/v4/secrets${query({ ...V4, secretPath: "/nowhere" })}`);
    expect([nowhere.status, at(nowhere.body, "error")]).toEqual([404, "SecretPathNotFound"]);
    expect((await survey("nope")).status).toBe(404);
    const old = await testSandbox({ estate: raxxEstate({ generation: "v3" }) });
    const url = `/api/v3/secrets/raw${query({ workspaceId: RAXX.projectId, environment: "nope" })}`;
    expect(await (await old.login("lockstep"))("GET", url)).toMatchObject({
      status: 200,
      body: { secrets: [] },
    });
  });
});
