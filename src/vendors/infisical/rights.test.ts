import { beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../core/secret-value.ts";
import { raxxEstate } from "../../sandbox/estate.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { testConnection } from "../testing.ts";
import { type InfisicalClient, infisicalClient } from "./client.ts";
import { identityIn } from "./login.ts";
import { mayEdit } from "./rights.ts";

const PLACE = { project: RAXX.projectId, environment: "prod", path: "/MooseQuest/heroku" };
const rule = (conditions: Record<string, unknown>, inverted = false) => ({
  subjects: ["secrets"],
  actions: ["edit"],
  inverted,
  conditions,
});
const may = (...rules: ReturnType<typeof rule>[]) => mayEdit(rules, PLACE, "HEROKU_API_KEY");

describe("the right to edit a secret", () => {
  it.each([
    [{}, "yes"],
    [{ environment: "prod" }, "yes"],
    [{ environment: { $eq: "dev" } }, "no"],
    [{ environment: { $ne: "dev" } }, "yes"],
    [{ environment: { $in: ["dev", "prod"] } }, "yes"],
    [{ environment: { $in: ["dev"] } }, "no"],
    [{ secretPath: { $glob: "/**" } }, "yes"],
    [{ secretPath: { $glob: "/MooseQuest/**" } }, "yes"],
    [{ secretPath: { $glob: "/MooseQuest/heroku/**" } }, "yes"],
    [{ secretPath: { $glob: "/**/heroku" } }, "yes"],
    [{ secretPath: { $glob: "/MooseQuest/**/heroku" } }, "yes"],
    [{ secretPath: { $glob: "/MooseQuest/*" } }, "yes"],
    [{ secretPath: { $glob: "/*" } }, "no"],
    [{ secretPath: { $glob: "/MooseQuest" } }, "no"],
    [{ secretName: { $glob: "HEROKU_*" } }, "yes"],
    [{ secretPath: { $glob: "/MooseQuest/*", $ne: "/MooseQuest/heroku" } }, "no"],
    // What is not understood decides nothing, unless another part already says no.
    [{ secretPath: { $glob: "/{MooseQuest,other}/**" } }, "unclear"],
    [{ secretPath: { $regex: ".*" } }, "unclear"],
    [{ secretTags: { $in: ["x"] } }, "unclear"],
    [{ environment: 7 }, "unclear"],
    [{ secretTags: { $in: ["x"] }, environment: "dev" }, "no"],
  ])("[HK-25] follows conditions: %j", (conditions, expected) => {
    expect(may(rule(conditions))).toBe(expected);
  });

  it("[HK-25] lets the last rule that fits decide", () => {
    expect(may()).toBe("no");
    expect(may(rule({}), rule({}, true))).toBe("no");
    expect(may(rule({}), rule({ environment: "dev" }, true))).toBe("yes");
    expect(may(rule({}, true), rule({ secretPath: PLACE.path }))).toBe("yes");
    expect(may({ ...rule({}), actions: ["read", "create"] })).toBe("no");
    expect(may({ ...rule({}), subjects: ["secret-folders"] })).toBe("no");
  });
});

describe.each(["v3", "v4"] as const)("the rights of an identity on %s", (generation) => {
  let world: Awaited<ReturnType<typeof testSandbox>>;
  let client: InfisicalClient;

  beforeEach(async () => {
    world = await testSandbox({ estate: raxxEstate({ generation }) });
    const { clientId = "", clientSecret = "" } =
      world.sandbox.control.estate().infisical.identities["lockstep"] ?? {};
    const send = (request: Request) => world.sandbox.fetch("infisical", request);
    client = infisicalClient(testConnection(send, world.clock, { clientId, clientSecret }));
    await client.rights(RAXX.projectId);
  });

  const membership = (role: object) => {
    const body = { identityMembership: { roles: [role] } };
    world.sandbox.control.addFault({
      kind: "status",
      status: 200,
      body,
      method: "GET",
      route: "*memberships*",
    });
  };

  it("[HK-25] asks for the rules of a role that is not built in", async () => {
    // The sandbox knows the built-in roles by the same route that a custom one is read by.
    membership({ role: "custom", customRoleSlug: "viewer", isTemporary: false });
    const rights = await client.rights(RAXX.projectId);
    expect(rights).toMatchObject({
      is: "done",
      value: expect.arrayContaining([expect.objectContaining({ subjects: ["secrets"] })]),
    });
    expect(rights.is === "done" && rights.value !== "not told" && mayEdit(rights.value, PLACE, "X")).toBe(
      "no",
    );
    membership({ role: "custom", customRoleSlug: "member", isTemporary: false });
    const more = await client.rights(RAXX.projectId);
    expect(more.is === "done" && more.value !== "not told" && mayEdit(more.value, PLACE, "X")).toBe("yes");
    membership({ role: "custom", customRoleSlug: "nobody-knows", isTemporary: false });
    expect(await client.rights(RAXX.projectId)).toEqual({ is: "done", value: "not told" });
  });

  it("[HK-25] takes no right that ends for one that will be there", async () => {
    membership({ role: "admin", isTemporary: true });
    expect(await client.rights(RAXX.projectId)).toEqual({ is: "done", value: "not told" });
  });

  it("[X-09] hears nothing from a reply that is not Infisical's", async () => {
    membership({ role: 7 });
    expect((await client.rights(RAXX.projectId)).is).toBe("unknown");
  });
});

describe("the identity in an access token", () => {
  it("is left untold by whatever is no such token", () => {
    for (const text of ["", "no-token", "a.b.c", `a.${Buffer.from("{}").toString("base64url")}.c`])
      expect(identityIn(Secret.of(text))).toBeUndefined();
    const named = Buffer.from(JSON.stringify({ identityId: "id-1" })).toString("base64url");
    expect(identityIn(Secret.of(`a.${named}.c`))).toBe("id-1");
  });
});
