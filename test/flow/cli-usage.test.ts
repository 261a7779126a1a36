import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bare, type Called, COMMAND, call, errorOf, json } from "./cli-harness.ts";
import { raxx } from "./raxx-config.ts";

const dirs: ReturnType<typeof bare>[] = [];
const dir = (config?: string) => {
  const made = bare(config);
  dirs.push(made);
  return made;
};
afterAll(() => {
  for (const one of dirs) one.close();
});
const text = (config: unknown) => `export default ${JSON.stringify(config)};\n`;

/** Every command, so called that it neither asks nor runs on. */
const COMMANDS = [
  ["status"],
  ["plan", "heroku-api-key"],
  ["test", "heroku-api-key"],
  ["rotate", "heroku-api-key", "--yes"],
  ["runs"],
  ["show", "heroku-api-key.rotate.1"],
  ["cancel", "heroku-api-key.rotate.1"],
  ["audit"],
  ["worker"],
  ["keys"],
];

describe("a wrong configuration", () => {
  const wrong = raxx() as unknown as Record<string, Record<string, Record<string, unknown>>>;
  Object.assign(wrong["secrets"]?.["heroku-api-key"] ?? {}, {
    cadence: "monthly",
    role: "king",
    lastRotated: "today",
  });
  Object.assign(wrong["connections"]?.["github"] ?? {}, { vendor: "gitlab" });

  it("is refused with all mistakes at once: path, found, allowed; exit 2, nothing started", async () => {
    const where = dir(text(wrong));
    const left = await call(where, "rotate", "heroku-api-key", "--yes", "--json");
    expect(left.code).toBe(2);
    const { code, message, because, next } = errorOf(left);
    expect([code, because !== "", next !== ""]).toEqual(["CONFIG_INVALID", true, true]);
    const lines = message.split("\n").slice(1);
    for (const [path, found] of [
      ["connections.github.vendor", '"gitlab"'],
      ["secrets.heroku-api-key.cadence", '"monthly"'],
      ["secrets.heroku-api-key.role", '"king"'],
      ["secrets.heroku-api-key.lastRotated", "not known"],
    ]) {
      const line = lines.find((one) => one.startsWith(`${path}:`));
      expect(line).toMatch(/found .+, allowed .+/);
      expect(line).toContain(found);
    }
    expect(lines).toHaveLength(4);
    expect(where.hasHome()).toBe(false);
  });

  it("is refused when an adapter's entry is wrong: names that lead nowhere, the wrong vendor, fields", async () => {
    const config = raxx();
    const one = config.secrets["heroku-api-key"];
    if (one) {
      one.issuer.connection = "herokuu";
      one.vault.connection = "github";
      Object.assign(one.vault, { environment: 7, colour: "red" });
      Object.assign(one.destinations?.[0]?.[0] ?? {}, { kind: "gitlab-variable" });
    }
    const where = dir(text(config));
    const left = await call(where, "plan", "heroku-api-key", "--json");
    expect(left.code).toBe(2);
    const { message } = errorOf(left);
    for (const path of [
      "issuer.connection",
      "vault.connection",
      "vault.environment",
      "vault.colour",
      "destinations[0][0].kind",
    ])
      expect(message).toContain(`secrets.heroku-api-key.${path}: found`);
    expect(where.hasHome()).toBe(false);
  });

  it("is refused with the mistakes of all kinds at once, and with none that only follows from another", async () => {
    const config = raxx();
    const one = config.secrets["heroku-api-key"];
    if (one) {
      Object.assign(one, { cadence: "monthly", leastProof: "belief" });
      one.vault.connection = "infisicall";
      Object.assign(one.destinations?.[0]?.[0] ?? {}, { kind: "gitlab-variable" });
      Object.assign(one.destinations?.[1]?.[0] ?? {}, { connection: 7, appId: 7 });
      Object.assign(one.destinations?.[1]?.[1] ?? {}, { colour: "red" });
    }
    Object.assign(config.connections["heroku"] ?? {}, {
      vendor: "herokuu",
      credential: { secret: "heroku-key" },
    });
    Object.assign(config.connections["raxx-api"] ?? {}, { url: "here" });
    Object.assign(config.operators?.["kris"] ?? {}, { email: "nobody" });
    Object.assign(config.notify?.slack ?? {}, { connection: "slak" });
    const { message } = errorOf(await call(dir(text(config)), "plan", "heroku-api-key", "--json"));
    const paths = message
      .split("\n")
      .slice(1)
      .map((line) => line.split(": found ")[0]);
    const secret = "secrets.heroku-api-key";
    expect(paths.toSorted()).toEqual(
      [
        "connections.heroku.vendor",
        "connections.heroku.credential.secret",
        "connections.raxx-api.url",
        "notify.slack.connection",
        "operators.kris.email",
        `${secret}.cadence`,
        `${secret}.leastProof`,
        `${secret}.vault.connection`,
        `${secret}.destinations[0][0].kind`,
        `${secret}.destinations[1][0].connection`,
        `${secret}.destinations[1][0].appId`,
        `${secret}.destinations[1][1].colour`,
      ].toSorted(),
    );
  });

  it("is refused with every field that is not known, and what it may have been meant for", async () => {
    const config = raxx() as unknown as { secrets: Record<string, Record<string, unknown>> };
    const one = config.secrets["heroku-api-key"] ?? {};
    Object.assign(one, { destination: [], sopp: "a", shade: "red" });
    config.secrets["Heroku"] = one;
    const { message } = errorOf(await call(dir(text(config)), "plan", "heroku-api-key", "--json"));
    const lines = message.split("\n").slice(1);
    const unknown = "found a field that is not known here, allowed";
    expect(lines).toContain(`secrets.heroku-api-key.destination: ${unknown} destinations`);
    expect(lines).toContain(`secrets.heroku-api-key.sopp: ${unknown} sop`);
    expect(lines.join("\n")).toContain(`secrets.heroku-api-key.shade: ${unknown} system, owner, role,`);
    expect(lines).toContain('secrets.Heroku: found "Heroku", allowed lower-case letters, digits and dashes');
  });

  it("is refused by the name that --config gave it", async () => {
    const where = dir();
    writeFileSync(path.join(where.dir, "other.ts"), text(wrong));
    const { code, next } = errorOf(await call(where, "status", "--config", "other.ts", "--json"));
    expect([code, next]).toEqual([
      "CONFIG_INVALID",
      "lockstep doctor --config other.ts    after you have corrected other.ts",
    ]);
  });

  it("is refused for every place that init left to be filled in", async () => {
    const where = dir();
    await call(where, "init");
    const file = path.join(where.dir, "lockstep.config.ts");
    const left = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => /"<.+>"/.test(line));
    expect(left.length).toBeGreaterThan(2);
    const { code, message } = errorOf(await call(where, "plan", "heroku-api-key", "--json"));
    expect(code).toBe("CONFIG_INVALID");
    for (const line of left) expect(message).toContain(`${/\w+/.exec(line)?.[0]}: found `);
    expect(message.split("\n")).toHaveLength(left.length + 1);
  });

  it.each([
    ["does not parse", "const a = 1;\nconst b = = 2;\n", "SyntaxError: Expression expected"],
    ["throws", "const a: string[] = [];\na[0].length;\n", "it threw TypeError"],
    ["imports what is not there", 'import { a } from "lockstep";\n', "SyntaxError: The requested module"],
  ])("that %s is refused with its line", async (_kind, config, says) => {
    const { message } = errorOf(await call(dir(config), "status", "--json"));
    expect(message).toContain(`lockstep.config.ts could not be read: ${says}`);
    expect(message).toMatch(/, at lockstep\.config\.ts:[12]$/);
  });

  it("is refused where a copy has other fields than the issuer makes, also when all copies have the same", async () => {
    const config = raxx();
    const one = config.secrets["heroku-api-key"];
    for (const place of [one?.vault, ...(one?.destinations ?? []).flat()])
      if (place) place.fields = { tokn: "HEROKU_API_KEY" };
    const left = await call(dir(text(config)), "plan", "heroku-api-key", "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, "CONFIG_INVALID"]);
    const says = "fields: found tokn, allowed the fields of heroku-authorization: token";
    expect(errorOf(left).message).toContain(`secrets.heroku-api-key.vault.${says}`);
    expect(errorOf(left).message).toContain(`secrets.heroku-api-key.destinations[2][1].${says}`);
  });

  it("is refused without repeating what may be a pasted value", async () => {
    const pasted = `HRKU-${"x".repeat(60)}`;
    const config = raxx();
    Object.assign(config.connections["github"] ?? {}, { credential: pasted, url: pasted });
    const left = await call(dir(text(config)), "status", "--json");
    expect(left.code).toBe(2);
    expect(left.out + left.err).not.toContain(pasted);
  });

  it.each([
    ["a file that throws", "throw new Error('no');\n", "CONFIG_INVALID"],
    ["a file of broken syntax", "export default {\n", "CONFIG_INVALID"],
    ["a file without a default export", "export const a = 1;\n", "CONFIG_INVALID"],
    ["no file", undefined, "CONFIG_NOT_FOUND"],
  ])("%s: exit 2, nothing started", async (_name, config, code) => {
    const where = dir(config);
    const left = await call(where, "rotate", "heroku-api-key", "--yes", "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, code]);
    expect(where.hasHome()).toBe(false);
  });
});

describe("how a command is called", () => {
  it.each([
    ["an unknown command", ["rotat", "heroku-api-key"]],
    ["an unknown option", ["plan", "heroku-api-key", "--fast"]],
    ["a missing argument", ["rotate"]],
    ["an unknown reason", ["plan", "heroku-api-key", "--reason", "boredom"]],
    ["a number that is none", ["runs", "--limit", "many"]],
    ["too many arguments", ["status", "heroku-api-key"]],
    ["flags that exclude each other", ["freeze", "--all", "--lift", "--because", "x"]],
    ["a reason without words", ["rotate", "heroku-api-key", "--because", " "]],
    ["no command", []],
  ])("%s: exit 2 with code, because and next", async (_name, args) => {
    const where = dir(text(raxx()));
    const left = await call(where, ...args, "--json");
    expect(left.code).toBe(2);
    expect(errorOf(left)).toEqual({
      code: "USAGE",
      message: expect.any(String),
      because: expect.any(String),
      next: expect.any(String),
    });
    expect(where.hasHome()).toBe(false);
  });

  it.each([
    [["--help"], 0],
    [["plan", "heroku-api-key"], 0],
    [["rotat"], 2],
  ])("%s ends as it would have where nobody reads any more", async (args, code) => {
    const where = dir(text(raxx()));
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd: where.dir, stdio: "pipe" });
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await once(child, "close")).toEqual([code, null]);
  });

  it("says the same to people on stderr, and nothing on stdout", async () => {
    const left = await call(dir(text(raxx())), "plan", "heroku-api-key", "--fast");
    expect(left).toMatchObject({ code: 2, out: "" });
    expect(left.err).toMatch(/^error USAGE {2}/);
    expect(left.err).toMatch(/│ because {2}.+\n│ next {5}/);
  });

  it("plan of an unknown secret: exit 2, and which there are", async () => {
    const left = await call(dir(text(raxx())), "plan", "heroku", "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, "SECRET_UNKNOWN"]);
    expect(errorOf(left).because).toContain("heroku-api-key");
  });

  it("a name that was mistyped hears which one was meant", async () => {
    const left = await call(dir(text(raxx())), "plan", "heroku-api-kye", "--json");
    expect(errorOf(left).message).toMatch(/; did you mean heroku-api-key\?$/);
  });

  it("plan --json has exactly what was agreed, and needs nothing but the configuration", async () => {
    const where = dir(text(raxx()));
    const left = await call(where, "plan", "heroku-api-key", "--json");
    expect(left.code).toBe(0);
    const plan = json<{ steps: object[] }>(left);
    expect(plan).toMatchObject({
      secret: "heroku-api-key",
      runbook: "overlap@1",
      hash: expect.stringMatching(/^[0-9a-f]{8}$/),
      calls: { heroku: expect.any(Number), github: expect.any(Number), infisical: expect.any(Number) },
    });
    for (const step of plan.steps)
      expect(Object.keys(step)).toEqual(
        expect.arrayContaining(["id", "says", "actor", "effect", "target", "grade", "undoes"]),
      );
    expect(where.hasHome()).toBe(false);
    expect(json(await call(where, "plan", "heroku-api-key", "--json"))).toEqual(plan);
  });

  it.each(COMMANDS)("%s accepts --json, and prints one document also when it fails", async (...args) => {
    const left = await call(dir(), ...args, "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, "CONFIG_NOT_FOUND"]);
  });

  it("plan says to programs too where, why, and what runs exactly this", async () => {
    const left = await call(dir(text(raxx())), "plan", "heroku-api-key", "--reason", "compromise", "--json");
    const { hash, ...plan } = json<{ hash: string; environment: string; reason: string; next: string }>(left);
    expect(plan).toMatchObject({
      environment: "production",
      reason: "compromise",
      next: `lockstep rotate heroku-api-key --reason compromise --plan ${hash}`,
    });
  });

  it("doctor names every variable that is missing, also of a place that only a test asks", async () => {
    const config = raxx();
    delete config.notify;
    // Nobody listens there.
    for (const one of Object.values(config.connections)) one.url = "http://127.0.0.1:9";
    const where = dir(text(config));
    const left = await call(where, "doctor", "--json");
    const { findings } = json<{ findings: { what: string; ok: boolean; says: string }[] }>(left);
    expect(findings.find(({ what }) => what === "variables")).toMatchObject({
      ok: false,
      says: "CREDENTIAL_MISSING  Not set in the environment: INFISICAL_CLIENT_ID, INFISICAL_CLIENT_SECRET, GITHUB_API_SECRETS_TOKEN",
    });
    const set = { GITHUB_API_SECRETS_TOKEN: "t", INFISICAL_CLIENT_ID: "i", INFISICAL_CLIENT_SECRET: "s" };
    const given = await call({ ...where, env: set }, "doctor");
    expect(given.out).toMatch(/✓ {2}variables +all 3 are set/);
  });

  it("init and doctor print one document too", async () => {
    const where = dir();
    const made = await call(where, "init", "--json");
    expect([made.code, json(made)]).toEqual([0, { file: expect.stringContaining("lockstep.config.ts") }]);
    const again = await call(where, "init", "--json");
    expect([again.code, errorOf(again).code]).toEqual([2, "USAGE"]);
    const doctor = await call(dir(), "doctor", "--json");
    expect(doctor.code).toBe(2);
    expect(json(doctor)).toHaveProperty("findings");
  });

  it("refuses a Node that is too old", async (test) => {
    const old = ["/usr/local/bin/node", "/usr/bin/node"].find(isOld);
    if (old === undefined) return test.skip("no Node older than 24 on this machine");
    const where: Called = { ...dir(text(raxx())), node: old };
    const left = await call(where, "plan", "heroku-api-key", "--json");
    expect([left.code, errorOf(left).code]).toEqual([1, "NODE_TOO_OLD"]);
    const said = await call(where, "plan", "heroku-api-key");
    expect(said).toMatchObject({ code: 1, out: "" });
    expect(said.err).toContain("next");
  });
});

function isOld(file: string): boolean {
  const { stdout } = spawnSync(file, ["--version"], { encoding: "utf8" });
  return /^v(\d+)\./.test(stdout ?? "") && Number(/^v(\d+)\./.exec(stdout)?.[1]) < 24;
}
