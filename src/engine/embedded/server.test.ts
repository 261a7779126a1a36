import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, expect, onTestFinished, test, vi } from "vitest";
import {
  AS_NOBODY,
  asRoot,
  cleanUp,
  dropTemplate,
  place,
  seeded,
  serverPid,
  stopped,
  User,
  until,
} from "./harness.ts";
import { type EmbeddedServer, openEmbedded } from "./server.ts";

afterEach(cleanUp);
afterAll(dropTemplate);

async function ask(server: EmbeddedServer, sql: string): Promise<unknown> {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    return Object.values((await client.query(sql)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

test("eight processes that start at once, on nothing, find one server", async () => {
  const home = join(place(), ".lockstep");
  const users = Array.from({ length: 8 }, () => new User(home));
  const said = await Promise.all(users.map((user) => user.first()));
  expect(said.map(({ code, message }) => [code, message])).toEqual(Array(8).fill([undefined, undefined]));
  expect(new Set(said.map(({ born }) => born)).size).toBe(1);
  await Promise.all(users.map((user) => user.leave()));
  await stopped(join(home, "postgres-18/data"));
  expect(readdirSync(home).sort()).toEqual(["postgres-18", "version"]);
  expect(users.map((user) => user.stderr).join("")).toBe("");
});

test("everything lies in mode 0700 and 0600, and the settings are those we promise", async () => {
  const home = join(place(), ".lockstep");
  const server = await openEmbedded(home);
  const open = execFileSync("find", [home, "-not", "-type", "l", "-perm", "/077"], { encoding: "utf8" });
  expect(open).toBe("");
  expect(readFileSync(join(home, "version"), "utf8")).toBe("1\n");
  const wanted = {
    server_encoding: "UTF8",
    data_checksums: "on",
    fsync: "on",
    listen_addresses: "",
    max_connections: "100",
    lc_messages: "C",
  };
  for (const [name, value] of Object.entries(wanted))
    expect([name, await ask(server, `SHOW ${name}`)]).toEqual([name, value]);
  expect(await ask(server, "SELECT datcollate FROM pg_database WHERE datname = 'lockstep'")).toBe("C");
  expect(await ask(server, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).toBe(false);
  await server.close();
});

test("the log holds neither statements nor parameters nor rows", async () => {
  const home = await seeded();
  const server = await openEmbedded(home);
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query("CREATE TABLE t (v text CHECK (length(v) < 5), u text UNIQUE)");
  await client.query("INSERT INTO t VALUES ('a', 'canary-1')");
  for (const [sql, values] of [
    ["INSERT INTO t VALUES ('canary-2', 'x')", []],
    ["INSERT INTO t VALUES ($1, 'y')", ["canary-3"]],
    ["INSERT INTO t VALUES ('a', $1)", ["canary-1"]],
    ["SELECT 'canary-4' FROM missing", []],
  ] as const) {
    await client.query(sql, [...values]).then(
      () => expect.unreachable(),
      () => {},
    );
  }
  await client.end();
  await server.close();
  const log = readFileSync(join(home, "postgres-18/server.log"), "utf8");
  expect(log).toContain('relation "missing" does not exist');
  expect(log).not.toContain("canary");
});

test("a starter that is killed leaves the server; the next attaches, and as the last stops it", async () => {
  const home = await seeded();
  const starter = new User(home);
  const { born, dataDir = "" } = await starter.first();
  starter.child.kill("SIGKILL");
  await starter.ended();
  const next = new User(home);
  expect((await next.first()).born).toBe(born);
  await next.leave();
  await stopped(dataDir);
});

test("four processes that come and go 30 times each never fail, and the last stops the server", async () => {
  const home = await seeded();
  await (await openEmbedded(home)).close();
  const users = Array.from({ length: 4 }, () => new User(home, "rounds:30"));
  await Promise.all(users.map((user) => user.ended()));
  expect(users.map((user) => user.said)).toEqual(Array(4).fill([{ done: true }]));
  expect(users.map((user) => user.stderr).join("")).toBe("");
  await stopped(join(home, "postgres-18/data"));
});

test("a killed server is noticed, harms no user process, and is started again by the next open", async () => {
  const home = await seeded();
  const user = new User(home);
  const { born, dataDir = "" } = await user.first();
  process.kill(serverPid(dataDir) ?? 0, "SIGKILL");
  await until(() => user.said.some(({ lost }) => lost), "the loss is told");
  expect(user.child.exitCode).toBeNull();
  const again = new User(home);
  expect((await again.first()).born).not.toBe(born);
  await user.leave(); // its own session is gone: it must not stop the new server
  expect(user.child.exitCode).toBe(0);
  expect(serverPid(dataDir)).toBeDefined();
  await again.leave();
  await stopped(dataDir);
});

test.each(["stranger", "dead", "empty"])("a stale lock file (%s) does not block a start", async (kind) => {
  const home = await seeded();
  const first = await openEmbedded(home);
  process.kill(serverPid(first.dataDir) ?? 0, "SIGKILL");
  await until(() => serverPid(first.dataDir) === undefined, "the server is dead");
  // The stranger must be of the server's user: PostgreSQL itself ignores those of others.
  const [command = "", ...args] = [...(asRoot ? AS_NOBODY : []), "sleep", "60"];
  const stranger = spawn(command, args, { stdio: "ignore" });
  onTestFinished(() => void stranger.kill());
  const locks = [join(first.dataDir, "postmaster.pid"), join(home, "postgres-18/.s.PGSQL.5432.lock")];
  for (const file of locks) {
    const [, ...rest] = readFileSync(file, "utf8").split("\n");
    const pid = kind === "stranger" ? stranger.pid : 4_194_303;
    writeFileSync(file, kind === "empty" ? "" : [pid, ...rest].join("\n"));
  }
  const server = await openEmbedded(home);
  expect(await ask(server, "SELECT 1")).toBe(1);
  expect(stranger.exitCode).toBeNull();
  await server.close();
  await stopped(server.dataDir);
});

test("a path too long for a socket gets one in /tmp, which a stranger cannot have prepared", async () => {
  const long = join(place(), "a".repeat(60), "b".repeat(60));
  mkdirSync(long, { recursive: true });
  renameSync(await seeded(), join(long, ".lockstep"));
  const home = join(long, ".lockstep");
  const server = await openEmbedded(home);
  const socketDir = new URL(server.url).searchParams.get("host") ?? "";
  onTestFinished(() => rmSync(socketDir, { recursive: true, force: true }));
  expect(socketDir).toMatch(/^\/tmp\/lockstep-\d+-[0-9a-f]{16}$/);
  expect(statSync(socketDir).mode & 0o777).toBe(0o700);
  expect(await ask(server, "SELECT 1")).toBe(1);
  await server.close();
  await stopped(server.dataDir);

  renameSync(socketDir, `${socketDir}.real`);
  onTestFinished(() => rmSync(`${socketDir}.real`, { recursive: true, force: true }));
  execFileSync("ln", ["-s", `${socketDir}.real`, socketDir]);
  await expect(openEmbedded(home)).rejects.toMatchObject({ code: "POSTGRES_START_FAILED" });
  rmSync(socketDir);
});

test("a home that is moved while its server runs is found again", async () => {
  const root = place();
  mkdirSync(join(root, "a".repeat(100)));
  const home = join(root, "a".repeat(100), ".lockstep");
  renameSync(await seeded(), home);
  const user = new User(home);
  const { born, url = "" } = await user.first();
  onTestFinished(() => rmSync(new URL(url).searchParams.get("host") ?? "", { recursive: true, force: true }));
  renameSync(join(root, "a".repeat(100)), join(root, "b".repeat(100)));
  const next = new User(join(root, "b".repeat(100), ".lockstep"));
  const said = await next.first();
  onTestFinished(() =>
    rmSync(`/tmp/lockstep-${process.getuid?.()}-${hashOf(said.dataDir)}`, { recursive: true, force: true }),
  );
  expect(said.born).toBe(born);
  await user.leave();
  await next.leave();
  await stopped(said.dataDir ?? "");
});

function hashOf(dataDir = ""): string {
  const home = dataDir.slice(0, -"/postgres-18/data".length);
  return execFileSync("sha256sum", { input: home, encoding: "utf8" }).slice(0, 16);
}

test("works below a directory that only root may pass, from a directory that the server's user may not read", async () => {
  const root = place();
  const closed = join(root, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const user = new User(join(closed, ".lockstep"), "hold", { cwd: closed });
  const { dataDir = "", code } = await user.first();
  expect(code).toBeUndefined();
  const owner = statSync(dataDir).uid;
  expect(owner === 0).toBe(false);
  expect(readFileSync(join(dataDir, "PG_VERSION"), "utf8")).toBe("18\n");
  await user.leave();
  await stopped(dataDir);
});

test.runIf(asRoot)(
  "an ordinary user has a server, and root gets into it without leaving files of root",
  async () => {
    const root = place();
    const unreadable = place();
    execFileSync("chmod", ["711", root]);
    const own = join(root, "own");
    mkdirSync(own);
    chownSync(own, 65534, 65534);
    const home = join(own, ".lockstep");
    const user = new User(home, "hold", { as: AS_NOBODY, cwd: unreadable });
    const { born, code, message } = await user.first();
    expect([code, message]).toEqual([undefined, undefined]);
    const guest = await openEmbedded(home);
    expect(await ask(guest, "SELECT pg_postmaster_start_time()::text")).toBe(born);
    await user.leave();
    await guest.close();
    await stopped(guest.dataDir);

    // And the other way round: root starts it, the owner attaches; the server has no right that its owner has not.
    const starter = await openEmbedded(home);
    const status = readFileSync(`/proc/${serverPid(starter.dataDir)}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t65534/m);
    expect(status).toMatch(/^CapPrm:\t0{16}$/m);
    const owner = new User(home, "hold", { as: AS_NOBODY });
    expect((await owner.first()).code).toBeUndefined();
    await starter.close();
    await owner.leave();
    await stopped(starter.dataDir);
    expect(execFileSync("find", [own, "-user", "root"], { encoding: "utf8" })).toBe("");
  },
);

test.runIf(asRoot)("the ordinary user whom root's server runs as does not get in", async () => {
  const home = await seeded();
  const server = await openEmbedded(home);
  const intruder = new User(home, "hold", { as: AS_NOBODY });
  expect((await intruder.first()).code).toBe("HOME_NOT_WRITABLE");
  // Even with every directory open there is no entry for that user in the map.
  execFileSync("chmod", ["-R", "a+rwX", join(home, "..")]);
  execFileSync("chmod", ["a+rw", join(home, "postgres-18/.s.PGSQL.5432")]);
  const script = `import pg from ${JSON.stringify(import.meta.resolve("pg"))}; await new pg.Client(process.argv[1]).connect().catch((e) => console.log(e.code)); process.exit()`;
  const [command = "", ...args] = [
    ...AS_NOBODY,
    process.execPath,
    "--input-type=module",
    "-e",
    script,
    server.url,
  ];
  expect(execFileSync(command, args, { encoding: "utf8", cwd: "/" }).trim()).toBe("28000");
  await server.close();
});

test("a large log is set aside at a start", async () => {
  const home = await seeded();
  const first = await openEmbedded(home);
  await first.close();
  await stopped(first.dataDir);
  const log = join(home, "postgres-18/server.log");
  writeFileSync(log, "x".repeat(1_000_001));
  const second = await openEmbedded(home);
  await second.close();
  expect(existsSync(`${log}.1`)).toBe(true);
  expect(statSync(log).size).toBeLessThan(10_000);
});

/** Programs of which the one that makes a cluster never ends, so that whoever calls it can be killed in the middle. */
function endlessInitdb(): string {
  const bin = place("/tmp");
  chmodSync(bin, 0o755);
  writeFileSync(join(bin, "postgres"), "#!/bin/sh\n", { mode: 0o755 });
  const untilItsCallerIsGone = "#!/bin/sh\nwhile [ -d /proc/$PPID ]; do sleep 0.1; done\n";
  writeFileSync(join(bin, "initdb"), untilItsCallerIsGone, { mode: 0o755 });
  return bin;
}

test("a maker of a cluster who was killed holds nobody up", async () => {
  const home = join(place(), ".lockstep");
  const maker = new User(home, "hold", { binDir: endlessInitdb() });
  const makes = () =>
    existsSync(home) && readdirSync(home).some((name) => name.startsWith("postgres-18.new-"));
  await until(makes, "the cluster is being made");
  maker.child.kill("SIGKILL");
  await maker.ended();
  expect(existsSync(join(home, "postgres-18"))).toBe(false);
  // The time for which it would wait for a maker who lives does not pass.
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await openEmbedded(home);
  await server.close();
  vi.useRealTimers();
  await stopped(server.dataDir);
});

test("a process that forgets to close ends all the same", async () => {
  const home = await seeded();
  const user = new User(home, "forget");
  await user.ended();
  expect(user.said).toMatchObject([{ code: "RAW", message: "Error: forgotten" }]);
  expect(serverPid(join(home, "postgres-18/data"))).toBeDefined();
});
