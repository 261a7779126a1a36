// The main job, end to end, in a folder of its own: sandbox, status, plan, a rotation that is killed in the middle and
// goes on, and the proof that all copies agree and the old key is refused.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Holding, Truth } from "../src/sandbox/truth.ts";
import { CLAIMS } from "../src/vendors/infisical/shapes.ts";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const command = path.join(root, "bin", "lockstep.js");
const dir = mkdtempSync(path.join(tmpdir(), "lockstep-demo-"));
const secret = "heroku-api-key";
// This process waits for the commands without reading its sockets, so a kept connection may be closed when it looks again.
const FRESH = { headers: { connection: "close" } };
let sandbox: ChildProcess | undefined;

try {
  cpSync(path.join(root, "examples", "raxx", "lockstep.config.ts"), path.join(dir, "lockstep.config.ts"));
  say("The vendors, simulated on loopback: Heroku, GitHub, Infisical");
  sandbox = spawn(process.execPath, [command, "sandbox"], { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  const control = await controlOf(sandbox);
  await fetch(`${control}/settings`, {
    method: "PATCH",
    body: JSON.stringify({ latencyMs: 60 }),
    headers: { "content-type": "application/json", ...FRESH.headers },
  });
  lockstep("status");
  lockstep("plan", secret);
  say("The rotation, killed with SIGKILL in the middle");
  await killInTheMiddle();
  lockstep("runs");
  say("The same command again: the run goes on where it was");
  lockstep("rotate", secret, "--yes");
  await checkTruth(control);
  lockstep("status");
  lockstep("audit", "--log");
  say(`All copies agree and the old key is refused. ${Math.round(performance.now() / 1_000)} s.`);
} finally {
  if (sandbox && sandbox.exitCode === null) {
    sandbox.kill("SIGTERM");
    await new Promise((resolve) => sandbox?.once("exit", resolve));
  }
  await removeFolder();
}

function say(text: string): void {
  console.log(`\n── ${text}`);
}

function lockstep(...args: readonly string[]): void {
  console.log(`\n$ lockstep ${args.join(" ")}`);
  const { status } = spawnSync(process.execPath, [command, ...args, "--sandbox"], {
    cwd: dir,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error(`lockstep ${args.join(" ")} ended with ${status}`);
}

function controlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", (code) => reject(new Error(`the sandbox ended with ${code}: ${text}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      const url = /control\s+(http:\S+)/.exec(text)?.[1];
      if (!url || !text.includes("until ^C")) return;
      process.stdout.write(text);
      resolve(url);
    });
  });
}

/** Kills the process once the vault has been written and GitHub has not been proved: the most awkward moment. */
async function killInTheMiddle(): Promise<void> {
  console.log(`\n$ lockstep rotate ${secret} --yes`);
  const child = spawn(process.execPath, [command, "rotate", secret, "--yes", "--sandbox"], {
    cwd: dir,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    text += chunk.toString("utf8");
  });
  while (!/✓\s+\d+ store/.test(text) && child.exitCode === null) await sleep(20);
  if (child.exitCode !== null)
    throw new Error(`rotate ended with ${child.exitCode} before it could be killed`);
  child.kill("SIGKILL");
  await ended;
  console.log("\nkilled -9");
}

/** Once the database has ended: the last command stops it, and does not wait for that. */
async function removeFolder(): Promise<void> {
  const lock = path.join(dir, ".lockstep", "sandbox", "postgres-18", "data", "postmaster.pid");
  for (let tries = 0; existsSync(lock) && tries < 500; tries += 1) await sleep(20);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}

/** Asks the vendors themselves, not Lockstep, and fails when anything is not as it should be. */
async function checkTruth(control: string): Promise<void> {
  say("What the vendors themselves say");
  const { heroku, github, infisical } = (await (await fetch(`${control}/truth`, FRESH)).json()) as Truth;
  const key = "HEROKU_API_KEY";
  const places: (readonly [string, Holding | undefined])[] = [
    ...infisical.projects.flatMap((one) =>
      // Beside the entry lies the claim of this installation under the same name; it is no copy.
      one.secrets
        .filter((it) => it.key === key && !it.path?.endsWith(`/${CLAIMS}`))
        .map((it) => ["vault", it] as const),
    ),
    ...github.repositories.map((one) => [`github ${one.name}`, one.secrets[key]] as const),
    ...heroku.apps.flatMap((app) => [
      [`heroku ${app.name}`, app.config[key]] as const,
      ...app.dynos.map((dyno) => [`  running ${dyno.name}`, dyno.env[key]] as const),
    ]),
  ];
  for (const [place, held] of places)
    console.log(
      `  ${place.padEnd(34)} ${held?.holds?.slice(0, 8) ?? "nothing"}  ${held?.works ? "works" : "REFUSED"}`,
    );
  const held = new Set(places.map(([, one]) => one?.holds));
  const ended = heroku.authorizations.filter((one) => !one.alive);
  const tagged = heroku.authorizations.filter((one) => one.alive && one.description.includes(" ls-"));
  console.log(`  ended: ${ended.map((one) => `${one.id.slice(0, 8)} ${one.description}`).join(", ")}`);
  if (held.size !== 1 || places.some(([, one]) => !one?.works)) throw new Error("the copies do not agree");
  if (ended.length !== 1 || tagged.length !== 1)
    throw new Error("not exactly one key was ended and one created");
}
