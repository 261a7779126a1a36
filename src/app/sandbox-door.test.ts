import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as httpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { WebClient } from "../vendors/web/client.ts";
import { checkConfig } from "./config.ts";
import { connectionsOf } from "./connections.ts";
import { openSandbox, type SandboxDoor } from "./sandbox-door.ts";
import { type Served, sandboxHome, serveHere } from "./sandbox-serving.ts";

function project(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "lockstep-door-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Serves it or uses it; closed at the test's end if it was not before. */
async function served(root: string): Promise<Served> {
  const one = await serveHere(root);
  onTestFinished(async () => one.close?.());
  return one;
}

async function opened(root: string): Promise<SandboxDoor> {
  const one = await openSandbox(root);
  onTestFinished(one.close);
  return one;
}

/** What a client of that door sees of a page of the sandbox. */
async function looks(door: SandboxDoor): Promise<string> {
  const config = checkConfig({
    connections: { pages: { vendor: "web", url: "https://api.raxx.app" } },
    secrets: {},
  });
  const budget = { take: async () => {}, saw: async () => {} };
  const connections = connectionsOf(config, { env: {}, budget, redirection: door.redirection });
  const client = connections.client("pages", () => Promise.reject(new Error("no secret"))) as WebClient;
  return (await client.page("/health")).is;
}

/** Puts somebody else's program where the sandbox's control API was. */
async function squat(root: string, server: Server): Promise<void> {
  const { urls } = JSON.parse(readFileSync(path.join(sandboxHome(root), "endpoint.json"), "utf8"));
  await new Promise<void>((ready) => {
    server.listen(Number(new URL(urls.control).port), "127.0.0.1", ready);
  });
  onTestFinished(() => void server.close());
}

test("of many that begin in the same moment one serves, whatever was there before", async () => {
  const root = project();
  for (let round = 0; round < 3; round += 1) {
    const all = await Promise.all(Array.from({ length: 6 }, () => served(root)));
    expect(all.filter((one) => one.close)).toHaveLength(1);
    expect(new Set(all.map((one) => one.urls["control"])).size).toBe(1);
    await all.find((one) => one.close)?.close?.();
  }
});

test("whoever meets the gap after the end of the one that served, serves on at the same address", async () => {
  const root = project();
  const first = await opened(root);
  const [second, third] = [await opened(root), await opened(root)];
  expect(second.redirection.urls).toEqual(first.redirection.urls);
  await first.close();
  expect(await Promise.all([second, third, second].map(looks))).toEqual(["done", "done", "done"]);
  await second.close();
  expect(await looks(third)).toBe("done");
  await third.close();
  // One that has closed its own does not begin again.
  expect(await looks(third)).toBe("retryable");
});

test("ports that belong to somebody else by now are left to them", async () => {
  const root = project();
  const other = project();
  const first = await served(root);
  await first.close?.();
  await squat(
    root,
    httpServer((_, reply) => void reply.end("hello")),
  );
  const second = await served(root);
  expect(second.close).toBeDefined();
  expect(second.urls["control"]).not.toBe(first.urls["control"]);
  await second.close?.();
  // Another directory's sandbox is somebody else's, too.
  const others = await served(other);
  writeFileSync(path.join(sandboxHome(root), "endpoint.json"), JSON.stringify({ urls: others.urls }));
  const third = await served(root);
  expect(third.close).toBeDefined();
  expect(third.urls["control"]).not.toBe(others.urls["control"]);
});

test("a process that has the ports and does not answer is not served beside", async () => {
  const root = project();
  await (await served(root)).close?.();
  await squat(
    root,
    createServer((socket) => void socket.on("error", () => {})),
  );
  await expect(serveHere(root, undefined, 100)).rejects.toMatchObject({
    code: "VENDOR_UNREACHABLE",
    because: expect.stringContaining("stopped or is stuck"),
  });
});

test("word of an address that cannot be read is replaced", async () => {
  const root = project();
  const first = await served(root);
  await first.close?.();
  writeFileSync(path.join(sandboxHome(root), "endpoint.json"), '{"urls":');
  expect((await served(root)).close).toBeDefined();
});
