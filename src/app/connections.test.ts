import { afterEach, describe, expect, it, vi } from "vitest";
import type { WebClient } from "../vendors/web/client.ts";
import { checkConfig } from "./config.ts";
import { connectionsOf } from "./connections.ts";

const SANDBOX = "http://127.0.0.1:4711";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Asks a page by a connection of the sandbox; what was really asked, and how it ended. */
async function ask(url: string) {
  const asked = vi.spyOn(globalThis, "fetch").mockResolvedValue(Response.json({ live_enabled: false }));
  const config = checkConfig({ connections: { pages: { vendor: "web", url } }, secrets: {} });
  const connections = connectionsOf(config, {
    env: {},
    budget: { take: async () => {}, saw: async () => {} },
    redirection: {
      urls: { heroku: SANDBOX, mail: "smtp://127.0.0.1:25" },
      credentials: {},
      pages: { "https://api.raxx.app": `${SANDBOX}/_apps/raxx-api-prod` },
    },
  });
  const client = connections.client("pages", () => Promise.reject(new Error("no secret"))) as WebClient;
  const { is } = await client.page("/health/trading?mode=live");
  return { is, asked: asked.mock.calls.map(([input]) => String(input)) };
}

describe("a connection of the sandbox", () => {
  it("asks the sandbox for pages that it serves", async () => {
    expect(await ask("https://api.raxx.app")).toEqual({
      is: "done",
      asked: [`${SANDBOX}/_apps/raxx-api-prod/health/trading?mode=live`],
    });
  });

  it("reaches nothing outside of it", async () => {
    for (const url of ["https://api.example", "http://127.0.0.1:80", "https://api.raxx.app.example"])
      expect(await ask(url)).toEqual({ is: "retryable", asked: [] });
  });
});

describe("a connection that a run was planned with", () => {
  it("and that this process has not read, is said: it is no fault of the program", () => {
    const config = checkConfig({ connections: {}, secrets: {} });
    const budget = { take: async () => {}, saw: async () => {} };
    const connections = connectionsOf(config, { env: {}, budget });
    const use = () => connections.client("github-two", () => Promise.reject(new Error("no secret")));
    expect(use).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("connection github-two"),
      }),
    );
  });
});
