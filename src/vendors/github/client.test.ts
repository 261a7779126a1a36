import { beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../core/secret-value.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { type TestConnection, testConnection, watched } from "../testing.ts";
import { type GithubClient, githubClient } from "./client.ts";

const REPO = "raxx-app/TradeMasterAPI";
const OWN = { "x-github-request-id": "AB12:34" };
const VALUE = "new-value-of-the-test";
let world: Awaited<ReturnType<typeof testSandbox>>;
let connection: TestConnection;
let client: GithubClient;

beforeEach(async () => {
  world = await testSandbox();
  connect("rotation");
});

function connect(name: string) {
  const token = world.sandbox.control.estate().github.tokens[name] ?? "";
  const send = (request: Request) => world.sandbox.fetch("github", request);
  connection = testConnection(send, world.clock, { token });
  client = watched(githubClient(connection), [token, VALUE]);
}

describe("the GitHub client", () => {
  it("seals a value so that GitHub can open it", async () => {
    const key = await client.publicKey(REPO);
    if (key.is !== "done") throw new Error("no key");
    expect(await client.putSecret(REPO, "HEROKU_API_KEY", key.value, Secret.of(VALUE))).toMatchObject({
      is: "done",
      value: { created: false },
    });
    expect(await client.putSecret(REPO, "OTHER", key.value, Secret.of(VALUE))).toMatchObject({
      value: { created: true },
    });
    const held = world.sandbox.github.repositories[0]?.secrets.find((one) => one.name === "HEROKU_API_KEY");
    expect(held?.value).toBe(VALUE);
  });

  it("tells a missing right, a limit and an invisible repository apart", async () => {
    connect("no-secrets");
    expect(await client.secret(REPO, "HEROKU_API_KEY")).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", next: expect.stringContaining("secrets=read") },
    });
    connect("outsider");
    expect(await client.repository(REPO)).toMatchObject({ trouble: { code: "VENDOR_TARGET_MISSING" } });
    connect("rotation");
    const secondary = { message: "You have exceeded a secondary rate limit." };
    world.sandbox.control.addFault({ kind: "status", status: 403, headers: OWN, body: secondary });
    expect(await client.repository(REPO)).toMatchObject({ is: "retryable", afterMs: 60_000 });
    world.sandbox.control.addFault({ kind: "status", status: 403, headers: OWN, retryAfter: 9 });
    expect(await client.repository(REPO)).toMatchObject({ is: "retryable", afterMs: 9_000 });
    world.sandbox.control.set({ github: { requestsPerHour: 0 } });
    const spent = await client.repository(REPO);
    expect(spent.is === "retryable" && (spent.afterMs ?? 0) > 3_000_000).toBe(true);
    expect(connection.seen.at(-1)).toMatchObject({ remaining: 0, blockedUntil: expect.any(String) });
    const never = { ...OWN, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999999999" };
    world.sandbox.control.addFault({ kind: "status", status: 403, headers: never });
    expect(await client.repository(REPO)).toMatchObject({ is: "retryable", afterMs: 3_600_000 });
  });

  it("takes the lock-out after bad attempts of others, and the older words for a limit, for no missing right", async () => {
    for (const message of [
      "Maximum number of login attempts exceeded. Please try again later.",
      "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.",
    ]) {
      world.sandbox.control.addFault({ kind: "status", status: 403, headers: OWN, body: { message } });
      expect(await client.repository(REPO)).toMatchObject({
        is: "retryable",
        trouble: { code: "VENDOR_RATE_LIMITED" },
        afterMs: 60_000,
      });
      expect(connection.seen.at(-1)).toMatchObject({ blockedUntil: expect.any(String) });
    }
  });

  it("reckons how long a limit lasts by GitHub's clock, not by ours", async () => {
    const ours = world.clock.now();
    for (const behind of [3_600_000, -3_600_000]) {
      const theirs = Math.floor((ours - behind) / 1000);
      const headers = {
        ...OWN,
        date: new Date(theirs * 1000).toUTCString(),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(theirs + 1_800),
      };
      world.sandbox.control.addFault({ kind: "status", status: 403, headers });
      expect(await client.repository(REPO)).toMatchObject({ is: "retryable", afterMs: 1_800_000 });
    }
  });

  it("does not offer a refused token again until it rests or is another", async () => {
    const asked = () => world.sandbox.control.journal.list().length;
    world.sandbox.control.act({ act: "revoke-github-token", name: "rotation" });
    for (let time = 0; time < 3; time += 1)
      expect(await client.repository(REPO)).toMatchObject({ trouble: { code: "VENDOR_REFUSED_CREDENTIAL" } });
    expect(asked()).toBe(1);
    const { tokens } = world.sandbox.control.estate().github;
    connection.use({ token: tokens["read-only"] ?? "" });
    expect((await client.repository(REPO)).is).toBe("done");
    connection.use({ token: tokens["rotation"] ?? "" });
    await client.repository(REPO);
    await world.clock.advance(300_000);
    await client.repository(REPO);
    expect(asked()).toBe(4);
  });

  it("takes a repository that has moved for a missing one", async () => {
    const moved = { message: "Moved Permanently", url: "https://api.github.com/repositories/1" };
    world.sandbox.control.addFault({ kind: "status", status: 301, headers: OWN, body: moved });
    expect(await client.repository(REPO)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING", message: expect.stringContaining("Moved") },
    });
  });

  it("[X-09] takes GitHub's words without its header for a proxy's", async () => {
    world.sandbox.control.addFault({ kind: "status", status: 401, headers: { "x-github-request-id": "" } });
    expect((await client.repository(REPO)).is).toBe("unknown");
    world.sandbox.control.addFault({
      kind: "status",
      status: 200,
      headers: OWN,
      body: { key_id: "1", key: "AA==" },
    });
    expect((await client.publicKey(REPO)).is).toBe("unknown");
  });
});
