import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { raxxEstate } from "../estate.ts";
import { RAXX } from "../raxx.ts";
import { at, testSandbox } from "../testing.ts";

const FILE = new URL("../../../../shared/recorded/infisical.json", import.meta.url);

interface Exchange {
  name: string;
  request: { method: string; path: string; headers: Record<string, string>; body?: unknown };
  response: { status: number; headers: Record<string, string>; body: unknown };
}

/** Recorded exchanges that the sandbox does not answer alike, each with its reason. */
const NOT_MODELLED: Record<string, string> = {
  "snapshots-list": "point-in-time recovery is for people, and Lockstep never uses the vendor's rollback",
  "snapshot-get": "as above",
  "snapshot-rollback": "as above",
  "webhook-create": "the sandbox sends no webhooks",
};

it.skipIf(!existsSync(FILE))(
  "answers the recorded exchanges with the same status and shape (skipped where ../shared is absent)",
  async () => {
    const exchanges: Exchange[] = JSON.parse(readFileSync(FILE, "utf8"));
    const replay = await replayer();
    const differences: string[] = [];
    for (const exchange of exchanges) {
      if (exchange.name in NOT_MODELLED) continue;
      const reply = await replay(exchange);
      const expected = [exchange.response.status, shape(exchange.response.body)];
      const answered = [reply.status, shape(reply.body)];
      if (JSON.stringify(expected) !== JSON.stringify(answered)) {
        differences.push(
          `${exchange.name}:\n  recorded ${JSON.stringify(expected)}\n  answered ${JSON.stringify(answered)}`,
        );
      }
      const limit = exchange.response.headers["x-ratelimit-limit"] ?? null;
      if (limit !== reply.headers.get("x-ratelimit-limit"))
        differences.push(
          `${exchange.name}: limit ${limit}, answered ${reply.headers.get("x-ratelimit-limit")}`,
        );
      const { error } = Object(exchange.response.body);
      if (reply.status >= 400 && withoutIds(error) !== withoutIds(at(reply.body, "error")))
        differences.push(`${exchange.name}: error ${error} ${at(reply.body, "error")}`);
      const { message } = Object(exchange.response.body);
      if (reply.status >= 400 && withoutIds(message) !== withoutIds(at(reply.body, "message")))
        differences.push(`${exchange.name}: message ${message} ${at(reply.body, "message")}`);
    }
    expect(differences).toEqual([]);
  },
);

// Placeholders and ids of the recording become those of this sandbox.
async function replayer() {
  const { sandbox, clock, plain, login } = await testSandbox({ estate: recordedEstate() });
  const send = plain("infisical");
  const { identities, userToken } = sandbox.control.estate().infisical;
  const ids = new Map<string, string>([["02c59dbe-97cd-4b12-9d3f-573eac60c6e8", RAXX.projectId]]);
  const known: Record<string, string> = {
    "<user-jwt>": userToken,
    "<client-secret>": identities["lockstep"]?.clientSecret ?? "",
  };
  ids.set("72a4312e-c6b2-4371-8840-dc9f8aa23ff9", identities["lockstep"]?.clientId ?? "");
  const tokenFor = async (name: string) => bearerOf(await login(name), sandbox);
  known["<viewer-id-token>"] = await tokenFor("viewer");
  known["<nomember-id-token>"] = await tokenFor("stranger");
  known["<identity-access-token>"] = await tokenFor("lockstep");
  known["<jwt>"] = `${known["<identity-access-token>"]?.slice(0, -6)}AAAAAA`;
  const fill = (text: string) => {
    let filled = text;
    for (const [from, to] of [...Object.entries(known), ...ids]) filled = filled.replaceAll(from, to);
    return filled;
  };
  return async (exchange: Exchange) => {
    const { name, request, response } = exchange;
    if (name === "expired-token") await clock.advance(7_200_000);
    if (
      [
        "svc-token-create",
        "parallel-create",
        "token-revoke",
        "audit-logs",
        "approval-policy-create-unlicensed",
      ].includes(name)
    ) {
      await clock.advance(60_000);
      known["<identity-access-token>"] = await tokenFor("lockstep");
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([key, value]) => [key, fill(value)]),
    );
    if (name === "secret-get-if-none-match")
      headers["if-none-match"] =
        (await send("GET", fill(request.path), undefined, headers)).headers.get("etag") ?? "";
    if (name === "rate-limited")
      for (let calls = 0; calls < 40; calls += 1) await send("GET", fill(request.path), undefined, headers);
    if (name === "svc-token-bad") headers["authorization"] = `${headers["authorization"]?.slice(0, -1)}x`;
    const body =
      typeof request.body === "string"
        ? fill(request.body)
        : request.body && JSON.parse(fill(JSON.stringify(request.body)));
    const reply = await send(request.method, fill(request.path), body ?? undefined, headers);
    learn(ids, response.body, reply.body);
    const serviceToken = at(reply.body, "serviceToken");
    if (typeof serviceToken === "string") known["<service-token>"] = serviceToken;
    return reply;
  };
}

function recordedEstate() {
  const estate = raxxEstate({ generation: "v3" });
  const [project] = estate.infisical.projects;
  if (project) project.secrets = [];
  return estate;
}

async function bearerOf(
  send: Awaited<ReturnType<Awaited<ReturnType<typeof testSandbox>>["login"]>>,
  sandbox: Awaited<ReturnType<typeof testSandbox>>["sandbox"],
) {
  // The client sends its token with every request; a look at one of them gives it.
  const seen: string[] = [];
  const { fetch } = sandbox;
  sandbox.fetch = (vendor, request) => {
    seen.push(request.headers.get("authorization")?.replace("Bearer ", "") ?? "");
    return fetch(vendor, request);
  };
  await send("GET", "/api/status");
  sandbox.fetch = fetch;
  return seen[0] ?? "";
}

function learn(ids: Map<string, string>, recorded: unknown, answered: unknown): void {
  if (typeof recorded !== "object" || recorded === null || typeof answered !== "object" || answered === null)
    return;
  for (const [key, value] of Object.entries(recorded)) {
    const own = Reflect.get(answered, key);
    if (key === "id" && typeof value === "string" && typeof own === "string") ids.set(value, own);
    else learn(ids, value, own);
  }
}

function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, shape(inner)]),
  );
}

function withoutIds(value: unknown): string {
  return JSON.stringify(value ?? null).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>");
}
