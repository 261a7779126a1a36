import { beforeEach, describe, expect, it } from "vitest";
import { raxxEstate } from "../estate.ts";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import { CALLED, REPO, repositoryOf, sealed } from "./testing.ts";

const ORG = "/orgs/raxx-app";
const NOT_ACCESSIBLE = "Resource not accessible by personal access token";
const WRITES = [
  "secrets",
  "environments",
  "dependabot_secrets",
  "codespaces_secrets",
  "organization_secrets",
  "organization_dependabot_secrets",
  "organization_codespaces_secrets",
];
/** Path, and the permission that a look and a write need. */
const PLACES: [string, string, string][] = [
  [`${REPO}/actions/secrets`, "secrets=read", "secrets=write"],
  [`${REPO}/environments/production/secrets`, "environments=read", "environments=write"],
  [`${REPO}/dependabot/secrets`, "dependabot_secrets=read", "dependabot_secrets=write"],
  [`${REPO}/codespaces/secrets`, "codespaces_secrets=write", "codespaces_secrets=write"],
  [`${ORG}/actions/secrets`, "organization_secrets=read", "organization_secrets=write"],
  [
    `${ORG}/dependabot/secrets`,
    "organization_dependabot_secrets=read",
    "organization_dependabot_secrets=write",
  ],
  [
    `${ORG}/codespaces/secrets`,
    "organization_codespaces_secrets=read",
    "organization_codespaces_secrets=write",
  ],
];

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.githubWith("rotation-wide");
  for (const permission of WRITES)
    world.sandbox.control.act({
      act: "set-github-permission",
      name: "rotation-wide",
      permission,
      level: "write",
    });
});

const visibility = (base: string) => (base.startsWith("/orgs") ? { visibility: "all" } : {});

describe("places that hold secrets", () => {
  it.each(PLACES)("%s: a key pair of its own, 201, 204, get, list, delete", async (base) => {
    const write = async (value: string) => ({ ...(await sealed(send, base, value)), ...visibility(base) });
    const before = Number(at((await send("GET", base)).body, "total_count"));
    expect((await send("PUT", `${base}/fresh_key`, await write("one"))).status).toBe(201);
    expect((await send("PUT", `${base}/FRESH_KEY`, await write("two"))).status).toBe(204);
    expect(at((await send("GET", `${base}/FRESH_KEY`)).body, "name")).toBe("FRESH_KEY");
    expect(at((await send("GET", base)).body, "total_count")).toBe(before + 1);
    expect(JSON.stringify(world.sandbox.github)).toContain('"value":"two"');
    expect((await send("DELETE", `${base}/FRESH_KEY`)).status).toBe(204);
    expect((await send("GET", `${base}/FRESH_KEY`)).status).toBe(404);
    expect((await send("DELETE", `${base}/FRESH_KEY`)).status).toBe(404);
  });

  it("no two places share a key, and none opens what was sealed to another", async () => {
    const keys = await Promise.all(PLACES.map(([base]) => send("GET", `${base}/public-key`)));
    expect(new Set(keys.map(({ body }) => at(body, "key"))).size).toBe(PLACES.length);
    const foreign = await sealed(send, `${REPO}/actions/secrets`, "x");
    for (const [base] of PLACES.slice(1)) {
      const reply = await send("PUT", `${base}/KEY`, { ...foreign, ...visibility(base) });
      expect([base, reply.status]).toEqual([base, 422]);
    }
  });

  it.each(PLACES)(
    "[HK-22] [HK-25] %s: 403 names the permission that is missing",
    async (base, look, write) => {
      const body = { ...(await sealed(send, base, "x")), ...visibility(base) };
      const allowed = await send("GET", base);
      expect([allowed.status, allowed.headers.get("x-accepted-github-permissions")]).toEqual([200, look]);
      const bare = world.githubWith("no-secrets");
      for (const [method, path, needed] of [
        ["GET", base, look],
        ["GET", `${base}/HEROKU_API_KEY`, look],
        ["GET", `${base}/public-key`, look],
        ["PUT", `${base}/KEY`, write],
        ["DELETE", `${base}/KEY`, write],
      ] as const) {
        const reply = await bare(method, path, method === "PUT" ? body : undefined);
        const told = [
          reply.status,
          at(reply.body, "message"),
          reply.headers.get("x-accepted-github-permissions"),
        ];
        expect(told).toEqual([403, NOT_ACCESSIBLE, needed]);
      }
      const outsider = await world.githubWith("outsider")("GET", base);
      expect([outsider.status, at(outsider.body, "message")]).toEqual([404, "Not Found"]);
    },
  );

  it("[DR-13] a token that may read secrets and not write them is refused, and nothing changes", async () => {
    const before = world.sandbox.control.truth();
    const reader = world.githubWith("read-only");
    const body = await sealed(reader, `${REPO}/actions/secrets`, "x");
    const reply = await reader("PUT", `${REPO}/actions/secrets/HEROKU_API_KEY`, body);
    expect([reply.status, reply.headers.get("x-accepted-github-permissions")]).toEqual([
      403,
      "secrets=write",
    ]);
    expect(world.sandbox.control.truth()).toEqual(before);
  });

  it("what happens to a token in one sandbox does not change the estate of the next", async () => {
    const estate = raxxEstate();
    const first = await testSandbox({ estate });
    const act = { act: "set-github-permission", name: "rotation", permission: "secrets" } as const;
    first.sandbox.control.act({ ...act, level: null });
    const second = await testSandbox({ estate });
    expect((await second.githubWith("rotation")("GET", `${REPO}/actions/secrets`)).status).toBe(200);
  });

  it("a permission can be taken away and given back while the token lives", async () => {
    const act = { act: "set-github-permission", name: "rotation", permission: "secrets" } as const;
    const rotation = world.githubWith("rotation");
    world.sandbox.control.act({ ...act, level: "read" });
    expect((await rotation("DELETE", `${REPO}/actions/secrets/HEROKU_API_KEY`)).status).toBe(403);
    expect((await rotation("GET", `${REPO}/actions/secrets/HEROKU_API_KEY`)).status).toBe(200);
    world.sandbox.control.act({ ...act, level: null });
    expect((await rotation("GET", `${REPO}/actions/secrets/HEROKU_API_KEY`)).status).toBe(403);
    world.sandbox.control.act({ ...act, level: "write" });
    expect((await rotation("DELETE", `${REPO}/actions/secrets/HEROKU_API_KEY`)).status).toBe(204);
  });
});

describe("secrets of the organization", () => {
  const base = `${ORG}/actions/secrets`;
  const seen = async () => {
    const { body } = await send("GET", `${REPO}/actions/organization-secrets`);
    const secrets = at(body, "secrets");
    return Array.isArray(secrets) ? secrets.map((one) => at(one, "name")) : [];
  };

  it("reach a repository by their visibility", async () => {
    const write = await sealed(send, base, "x");
    const missing = await send("PUT", `${base}/SHARED`, write);
    expect([missing.status, at(missing.body, "message")]).toEqual([
      422,
      'Invalid request.\n\n"visibility" wasn\'t supplied.',
    ]);
    expect((await send("PUT", `${base}/SHARED`, { ...write, visibility: "some" })).status).toBe(422);
    await send("PUT", `${base}/SHARED`, { ...write, visibility: "selected", selected_repository_ids: [1] });
    expect(await seen()).toEqual(["CODECOV_TOKEN"]);
    const one = await send("GET", `${base}/SHARED`);
    expect(at(one.body, "visibility")).toBe("selected");
    expect(at(one.body, "selected_repositories_url")).toMatch(
      /\/orgs\/raxx-app\/actions\/secrets\/SHARED\/repositories$/,
    );
    const ids = { selected_repository_ids: [RAXX.repositoryId] };
    expect((await send("PUT", `${base}/SHARED/repositories`, ids)).status).toBe(204);
    expect(at((await send("GET", `${base}/SHARED/repositories`)).body, "repositories", 0, "id")).toBe(
      RAXX.repositoryId,
    );
    expect(await seen()).toEqual(["CODECOV_TOKEN", "SHARED"]);
    await send("PUT", `${base}/SHARED`, { ...write, visibility: "private" });
    expect(await seen()).toEqual(["CODECOV_TOKEN", "SHARED"]);
    expect((await send("PUT", `${base}/SHARED/repositories`, ids)).status).toBe(409);
    expect(at((await send("GET", `${base}/SHARED`)).body, "selected_repositories_url")).toBeUndefined();
  });

  it("are not there for an organization that is not the token's, or does not exist", async () => {
    expect((await send("GET", "/orgs/nobody/actions/secrets")).status).toBe(404);
    const anonymous = await send("GET", base, undefined, { authorization: "Basic Og==" });
    expect(anonymous.status).toBe(401);
  });
});

describe("secrets set by hand", () => {
  const value = { authorization: RAXX.sessionAuthorization };
  const holds = { holds: RAXX.sessionAuthorization, works: true, former: false };
  const name = "HEROKU_API_KEY";

  it("[HK-22] appear in every place, in the truth as in the replies, and go again", async () => {
    const { control } = world.sandbox;
    const places = [
      [{ repository: CALLED }, `${REPO}/actions/secrets`],
      [{ repository: CALLED, environment: "production" }, `${REPO}/environments/production/secrets`],
      [{ repository: CALLED, kind: "dependabot" }, `${REPO}/dependabot/secrets`],
      [{ repository: CALLED, kind: "codespaces" }, `${REPO}/codespaces/secrets`],
      [{ organization: "raxx-app" }, `${ORG}/actions/secrets`],
      [{ organization: "raxx-app", kind: "dependabot" }, `${ORG}/dependabot/secrets`],
      [{ organization: "raxx-app", kind: "codespaces" }, `${ORG}/codespaces/secrets`],
    ] as const;
    const told = () => {
      const { repositories, organizations } = control.truth().github;
      const [repository, organization] = [repositories[0], organizations[0]];
      if (!repository || !organization) throw new Error("no repository");
      const { secrets, environments, dependabot, codespaces } = repository;
      const { actions, ...shared } = organization;
      const all = [secrets, environments[0]?.secrets, dependabot, codespaces, actions, shared.dependabot];
      return [...all, shared.codespaces].map((one) => one?.[name] ?? null);
    };
    for (const [place] of places) control.act({ act: "set-github-secret", ...place, name, value });
    expect(told()).toEqual(places.map(() => holds));
    for (const [, base] of places) expect((await send("GET", `${base}/${name}`)).status).toBe(200);
    for (const [place] of places) control.act({ act: "set-github-secret", ...place, name, value: null });
    expect(told()).toEqual(places.map(() => null));
    for (const [, base] of places) expect((await send("GET", `${base}/${name}`)).status).toBe(404);
  });

  it("name a place that exists", () => {
    const { control } = world.sandbox;
    const act = { act: "set-github-secret", name, value } as const;
    expect(() => control.act({ ...act, repository: CALLED, environment: "nowhere" })).toThrow("nowhere");
    expect(() => control.act({ ...act, organization: "nobody" })).toThrow("nobody");
    expect(() => control.act({ ...act, repository: "nobody/nothing" })).toThrow("nobody/nothing");
  });

  it("a new key of a place refuses what was sealed to the one before", async () => {
    const base = `${REPO}/dependabot/secrets`;
    const old = await sealed(send, base, "x");
    const { control } = world.sandbox;
    const { id } = control.act({ act: "rotate-github-key", repository: CALLED, kind: "dependabot" });
    expect((await send("PUT", `${base}/KEY`, old)).status).toBe(422);
    const fresh = await sealed(send, base, "x");
    expect(fresh["key_id"]).toBe(id);
    expect((await send("PUT", `${base}/KEY`, fresh)).status).toBe(201);
    expect(repositoryOf(world.sandbox).dependabot.secrets.at(-1)?.value).toBe("x");
  });
});
