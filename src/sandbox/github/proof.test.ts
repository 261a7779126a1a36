import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { ValueSource } from "../estate.ts";
import { RAXX } from "../raxx.ts";
import { at, type Send, seededRandom, testSandbox } from "../testing.ts";
import { proofOf } from "./proof.ts";
import { CALLED, REPO, repositoryOf } from "./testing.ts";

const WORKFLOW = `${REPO}/actions/workflows/lockstep-proof.yml`;
const NAME = "HEROKU_API_KEY";
const NONCE = "0123456789abcdef0123456789abcdef";
const FILE = new URL("../../../examples/raxx/.github/workflows/lockstep-proof.yml", import.meta.url);

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.githubWith("rotation");
});

const tokenOf = (id: string) => world.sandbox.control.estate().heroku.tokens[id] ?? "";
const hmac = (key: string, nonce = NONCE) => createHmac("sha256", key).update(nonce).digest("hex");

async function dispatched(nonce = NONCE): Promise<string> {
  const inputs = { nonce, secret: NAME };
  const told = await send("POST", `${WORKFLOW}/dispatches`, {
    ref: "main",
    inputs,
    return_run_details: true,
  });
  expect(told.status).toBe(200);
  return String(at(told.body, "workflow_run_id"));
}

async function jobsOf(run: string): Promise<[unknown, unknown, unknown][]> {
  const { body } = await send("GET", `${REPO}/actions/runs/${run}/jobs`);
  const jobs = at(body, "jobs");
  if (!Array.isArray(jobs)) throw new Error("no jobs");
  return jobs.map((one) => [at(one, "name"), at(one, "status"), at(one, "conclusion")]);
}

function set(value: ValueSource | null, place: { environment?: string } = {}): void {
  world.sandbox.control.act({ act: "set-github-secret", repository: CALLED, ...place, name: NAME, value });
}

describe("[X-06] a proof workflow", () => {
  it("names its second job after the HMAC of the nonce under the secret's value", async () => {
    const run = await dispatched();
    expect(await jobsOf(run)).toEqual([["prove", "queued", null]]);
    const shown = await send("GET", `${REPO}/actions/runs/${run}`);
    const title = `lockstep proof ${NONCE}`;
    expect([at(shown.body, "display_title"), at(shown.body, "name")]).toEqual([title, title]);
    await world.clock.advance(1000);
    expect(await jobsOf(run)).toEqual([["prove", "in_progress", null]]);
    await world.clock.advance(1000);
    const proof = `lockstep-proof ${hmac(tokenOf(RAXX.currentAuthorization))}`;
    expect(await jobsOf(run)).toEqual([
      ["prove", "completed", "success"],
      [proof, "in_progress", null],
    ]);
    await world.clock.advance(1000);
    expect(await jobsOf(run)).toEqual([
      ["prove", "completed", "success"],
      [proof, "completed", "success"],
    ]);
    expect(at((await send("GET", `${REPO}/actions/runs/${run}`)).body, "conclusion")).toBe("success");
    const [told] = world.sandbox.control.truth().github.repositories[0]?.runs ?? [];
    expect(told?.held[NAME]?.holds).toBe(RAXX.currentAuthorization);
  });

  it("proves another value by another name, and the same value anew for each nonce", async () => {
    const first = await dispatched();
    set({ authorization: RAXX.sessionAuthorization });
    const second = await dispatched();
    const third = await dispatched("f".repeat(64));
    await world.clock.advance(10_000);
    const names = await Promise.all([first, second, third].map(async (run) => (await jobsOf(run))[1]?.[0]));
    const fresh = tokenOf(RAXX.sessionAuthorization);
    expect(names).toEqual([
      `lockstep-proof ${hmac(tokenOf(RAXX.currentAuthorization))}`,
      `lockstep-proof ${hmac(fresh)}`,
      `lockstep-proof ${hmac(fresh, "f".repeat(64))}`,
    ]);
  });

  it("[HK-22] is shadowed by the environment that its job declares", async () => {
    const workflow = repositoryOf(world.sandbox).workflows.find((one) => one.proves !== null);
    if (workflow) workflow.environment = "production";
    const run = await dispatched();
    set({ authorization: RAXX.sessionAuthorization }, { environment: "production" });
    await world.clock.advance(10_000);
    expect((await jobsOf(run))[1]?.[0]).toBe(`lockstep-proof ${hmac(tokenOf(RAXX.sessionAuthorization))}`);
  });

  it.each<[string, ValueSource | null, string]>([
    ["a missing secret", null, NONCE],
    ["an empty secret", { text: "" }, NONCE],
    ["a nonce of another shape", { text: "not secret" }, "Transfer 100"],
  ])("fails on %s, and the job after it keeps its expression for a name", async (_what, value, nonce) => {
    set(value);
    const run = await dispatched(nonce);
    await world.clock.advance(10_000);
    expect(await jobsOf(run)).toEqual([
      ["prove", "completed", "failure"],
      [`lockstep-proof \${{ needs.prove.outputs.proof }}`, "completed", "skipped"],
    ]);
    expect(at((await send("GET", `${REPO}/actions/runs/${run}`)).body, "conclusion")).toBe("failure");
  });

  it("looks the same however often it is looked at", async () => {
    const watched = await dispatched();
    for (let look = 0; look < 4; look += 1) {
      await world.clock.advance(1000);
      await jobsOf(watched);
    }
    const other = await testSandbox();
    send = other.githubWith("rotation");
    world = other;
    expect(await dispatched()).toBe(watched);
    await other.clock.advance(4000);
    const ids = repositoryOf(other.sandbox).runs[0]?.jobs.map((one) => one.id);
    expect(ids).toEqual([expect.any(Number), (ids?.[0] ?? 0) + 1]);
  });
});

describe("the workflow file that Lockstep ships", () => {
  const text = readFileSync(FILE, "utf8");
  const block = /^( +)run: \|\n((?:\1 .*\n|\n)+)/m.exec(text);
  const script = block?.[2]?.replaceAll(new RegExp(`^${block[1]}  `, "gm"), "") ?? "";

  /** Runs the script of the file as its `shell` says; null where it fails. */
  function prove(value: string, nonce: string): { proof: string | null; said: string } {
    const home = mkdtempSync(join(tmpdir(), "proof-"));
    const [program, output] = [join(home, "script"), join(home, "output")];
    writeFileSync(program, script);
    writeFileSync(output, "");
    const env = { PATH: process.env["PATH"] ?? "", VALUE: value, NONCE: nonce, GITHUB_OUTPUT: output };
    try {
      const said = execFileSync("python3", ["-I", program], { env, encoding: "utf8", stdio: "pipe" });
      return { proof: /^proof=([0-9a-f]{64})\n$/.exec(readFileSync(output, "utf8"))?.[1] ?? "?", said };
    } catch (error) {
      return { proof: null, said: String(at(error, "stderr")) };
    } finally {
      rmSync(home, { recursive: true });
    }
  }

  it("computes what the sandbox computes, and prints nothing", () => {
    const random = seededRandom("proof");
    for (const value of [random(24).toString("hex"), "täst ⚿ \n two lines\n", " spaces "]) {
      const nonce = random(32).toString("hex");
      expect(prove(value, nonce)).toEqual({ proof: proofOf(value, nonce), said: "" });
    }
  });

  it.each([
    ["", NONCE],
    ["value-in-memory", NONCE.slice(1)],
    ["value-in-memory", NONCE.toUpperCase()],
    ["value-in-memory", `${NONCE}\n`],
    ["value-in-memory", `${NONCE}; id`],
    ["value-in-memory", "0".repeat(65)],
  ])("fails as the sandbox does, and says no value (%j, %j)", (value, nonce) => {
    const { proof, said } = prove(value, nonce);
    expect([proof, proofOf(value, nonce)]).toEqual([null, null]);
    expect(said).not.toContain("value-in-memory");
    expect(said).toMatch(/^(The nonce is not|This job holds no)/);
  });

  it("is the one that the estate registers: path, list of secrets, title and job names", () => {
    const workflow = repositoryOf(world.sandbox).workflows.find((one) => one.proves !== null);
    expect(FILE.pathname.endsWith(`/${workflow?.path}`)).toBe(true);
    const options = /options:\n((?: +- \w+\n)+)/.exec(text)?.[1]?.match(/\w+/g);
    expect(options).toEqual(workflow?.proves);
    expect(text).toContain(`\nname: ${workflow?.name}\n`);
    expect(text).toContain(`\nrun-name: lockstep proof \${{ inputs.nonce }}\n`);
    expect(text).toContain("    name: prove\n");
    expect(text).toContain(`    name: lockstep-proof \${{ needs.prove.outputs.proof }}\n`);
  });

  it("takes each secret by its literal name, inputs as variables, and no permission", () => {
    const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
    const code = lines.join("\n");
    expect(code).not.toMatch(/secrets\s*\[|toJSON\(secrets|secrets: inherit|uses:/i);
    expect(script).not.toContain("${{");
    expect(code).toContain("\npermissions: {}\n");
    expect(lines.filter((line) => line.includes("secrets."))).toHaveLength(1);
  });
});
