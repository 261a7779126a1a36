/**
 * A process that uses an embedded server, for tests: `node harness-user.ts <home> <mode> [binDir]`. It answers in lines of JSON.
 *
 * - `hold`: opens, answers, and closes when its standard input ends;
 * - `rounds:<n>`: opens, asks the server something and closes, n times, with random pauses;
 * - `forget`: opens, and fails without closing;
 * - `check`: only checks the binaries.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { LockstepError } from "../../core/errors.ts";
import { checkBinaries, type EmbeddedServer, openEmbedded } from "./server.ts";

const [, , home = "", mode = "hold", binDir] = process.argv;
const options = binDir === undefined ? {} : { binDir };

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function born(server: EmbeddedServer): Promise<string> {
  const client = new pg.Client(server.url);
  await client.connect();
  const { rows } = await client.query<{ at: string }>("SELECT pg_postmaster_start_time()::text AS at");
  await client.end();
  return rows[0]?.at ?? "";
}

async function main(): Promise<void> {
  if (mode === "check") return say(await checkBinaries(options));
  const rounds = Number(mode.split(":")[1] ?? 1);
  for (let round = 0; round < rounds; round++) {
    const server = await openEmbedded(home, options);
    if (mode === "forget") throw new Error("forgotten");
    server.onLost(() => say({ lost: true }));
    const answer = { url: server.url, dataDir: server.dataDir, born: await born(server) };
    if (mode === "hold") {
      say(answer);
      for await (const _ of process.stdin);
    } else {
      await sleep(Math.random() * 30);
    }
    await server.close();
    await sleep(Math.random() < 0.5 ? 0 : Math.random() * 40);
  }
  say({ done: true });
}

main().catch((thrown: unknown) => {
  say(thrown instanceof LockstepError ? thrown.toTrouble() : { code: "RAW", message: String(thrown) });
  process.exitCode = 1;
});
