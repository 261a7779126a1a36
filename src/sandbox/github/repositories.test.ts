import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import { CALLED, REPO, repositoryOf, sealed } from "./testing.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.githubWith("rotation-wide");
});

describe("a repository", () => {
  it("tells its id and what the caller's user may do", async () => {
    const { body } = await send("GET", REPO);
    expect(at(body, "id")).toBe(RAXX.repositoryId);
    const all = { admin: true, maintain: true, push: true, triage: true, pull: true };
    expect(at(body, "permissions")).toEqual(all);
    const writer = await world.githubWith("read-only")("GET", REPO);
    expect(at(writer.body, "permissions")).toEqual({ ...all, admin: false, maintain: false });
    const reader = await world.githubWith("no-secrets")("GET", REPO);
    expect(at(reader.body, "permissions")).toEqual({
      admin: false,
      maintain: false,
      push: false,
      triage: false,
      pull: true,
    });
  });

  it("redirects from its former name, for good only where something is read", async () => {
    const secrets = `${REPO}/actions/secrets`;
    const write = await sealed(send, secrets, "kept");
    world.sandbox.control.act({ act: "rename-repository", repository: CALLED, name: "TradeMaster" });
    const moved = await send("GET", `${secrets}?per_page=1`);
    const target = `http://github.sandbox/repositories/${RAXX.repositoryId}/actions/secrets`;
    expect([moved.status, at(moved.body, "message"), moved.headers.get("location")]).toEqual([
      301,
      "Moved Permanently",
      `${target}?per_page=1`,
    ]);
    expect(at(moved.body, "url")).toBe(`${target}?per_page=1`);
    const put = await send("PUT", `${secrets}/KEY`, write);
    expect([put.status, put.headers.get("location")]).toEqual([307, `${target}/KEY`]);
    expect(repositoryOf(world.sandbox).secrets.some((one) => one.name === "KEY")).toBe(false);
    const path = new URL(target).pathname;
    expect((await send("PUT", `${path}/KEY`, write)).status).toBe(201);
    expect(at((await send("GET", `/repositories/${RAXX.repositoryId}`)).body, "full_name")).toBe(
      "raxx-app/TradeMaster",
    );
    expect(at((await send("GET", "/repos/raxx-app/trademaster")).body, "id")).toBe(RAXX.repositoryId);
    expect((await world.githubWith("outsider")("GET", REPO)).status).toBe(404);
    expect((await send("GET", "/repositories/1")).status).toBe(404);
  });

  it("[P6] keeps its id where another takes its name, and the redirect is gone", async () => {
    const { control } = world.sandbox;
    control.act({ act: "rename-repository", repository: CALLED, name: "TradeMaster" });
    const { id } = control.act({ act: "create-repository", repository: CALLED });
    expect((await send("GET", REPO)).status).toBe(404);
    const named = control.truth().github.repositories.map((one) => [one.name, String(one.id)]);
    expect(named).toEqual([
      ["raxx-app/TradeMaster", String(RAXX.repositoryId)],
      [CALLED, id],
    ]);
  });

  it("tells where a branch stands, to who may read contents", async () => {
    const before = await send("GET", `${REPO}/git/ref/heads/main`);
    const { id } = world.sandbox.control.act({ act: "push-commit", repository: CALLED });
    const after = await send("GET", `${REPO}/git/ref/heads/main`);
    expect(at(after.body, "object", "sha")).toBe(id);
    expect(at(before.body, "object", "sha")).not.toBe(id);
    world.sandbox.control.act({ act: "push-commit", repository: CALLED, branch: "fix/one" });
    expect(at((await send("GET", `${REPO}/git/ref/heads/fix/one`)).body, "ref")).toBe("refs/heads/fix/one");
    expect((await send("GET", `${REPO}/git/ref/heads/gone`)).status).toBe(404);
    const refused = await world.githubWith("rotation")("GET", `${REPO}/git/ref/heads/main`);
    expect([refused.status, refused.headers.get("x-accepted-github-permissions")]).toEqual([
      403,
      "contents=read",
    ]);
  });
});

describe("environments", () => {
  it("[HK-22] are listed in pages, to who may read Actions", async () => {
    const { control } = world.sandbox;
    const act = { act: "set-github-environment", repository: CALLED, exists: true } as const;
    for (const environment of ["staging", "team/blue"]) control.act({ ...act, environment });
    const { body, headers } = await send("GET", `${REPO}/environments?per_page=2`);
    expect([at(body, "total_count"), at(body, "environments", 1, "name")]).toEqual([3, "staging"]);
    expect(headers.get("link")).toMatch(/page=2>; rel="next"/);
    const one = await send("GET", `${REPO}/environments/team%2Fblue`);
    expect(at(one.body, "name")).toBe("team/blue");
    expect(at(one.body, "url")).toMatch(/environments\/team%2Fblue$/);
    expect((await send("GET", `${REPO}/environments/Production/secrets/SENTRY_DSN`)).status).toBe(200);
    expect((await send("GET", `${REPO}/environments/nowhere`)).status).toBe(404);
    expect((await send("GET", `${REPO}/environments/nowhere/secrets`)).status).toBe(404);
    const refused = await world.githubWith("no-secrets")("GET", `${REPO}/environments`);
    expect([refused.status, refused.headers.get("x-accepted-github-permissions")]).toEqual([
      403,
      "actions=read",
    ]);
  });

  it("take their secrets along when they go", async () => {
    const { control } = world.sandbox;
    const act = { act: "set-github-environment", repository: CALLED, environment: "production" } as const;
    control.act({ ...act, exists: true });
    expect(Object.keys(control.truth().github.repositories[0]?.environments[0]?.secrets ?? {})).toEqual([
      "SENTRY_DSN",
    ]);
    control.act({ ...act, exists: false });
    control.act({ ...act, exists: true });
    expect(control.truth().github.repositories[0]?.environments).toEqual([
      { name: "production", secrets: {} },
    ]);
  });
});
