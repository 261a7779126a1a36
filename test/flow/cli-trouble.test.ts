import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { serverPid } from "../../src/engine/embedded/harness.ts";
import {
  atTerminal,
  type Called,
  call,
  errorOf,
  json,
  onTerminal,
  openSite,
  type Site,
  start,
} from "./cli-harness.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

interface Ended {
  status: string;
  error?: { code: string; message: string; because: string; next: string };
}

const WHOLE = { message: expect.any(String), because: expect.any(String), next: expect.any(String) };
const writes = () => site.sandbox.control.journal.list({ effect: "write" });

/** Where nobody listens: below the ports that a system hands out, also to the tests beside this one. */
const NOBODY = "http://127.0.0.1:2";

describe("a vendor that cannot be worked with", () => {
  const cases: Record<string, { of(): Promise<Called>; code: string }> = {
    "the vault cannot be reached": {
      code: "VENDOR_UNREACHABLE",
      of: async () => {
        return site.project((config) => {
          Object.assign(config.connections["infisical"] ?? {}, { url: NOBODY });
          return config;
        });
      },
    },
    "the vault refuses the credential": {
      code: "VENDOR_REFUSED_CREDENTIAL",
      of: async () => {
        const { dir, env } = await site.project();
        return { dir, env: { ...env, INFISICAL_CLIENT_SECRET: "wrong" } };
      },
    },
    "GitHub refuses the token": {
      code: "VENDOR_REFUSED_CREDENTIAL",
      of: async () => {
        const { dir, env } = await site.project();
        return { dir, env: { ...env, GITHUB_API_SECRETS_TOKEN: "wrong" } };
      },
    },
    "the GitHub token may not see secrets": {
      code: "VENDOR_PERMISSION",
      of: async () => {
        const { dir, env } = await site.project();
        const token = site.sandbox.control.estate().github.tokens["no-secrets"] ?? "";
        return { dir, env: { ...env, GITHUB_API_SECRETS_TOKEN: token } };
      },
    },
    "the vault's identity may not see the project": {
      code: "VENDOR_PERMISSION",
      of: async () => {
        const { dir, env } = await site.project();
        const { clientId = "", clientSecret = "" } =
          site.sandbox.control.estate().infisical.identities["stranger"] ?? {};
        return { dir, env: { ...env, INFISICAL_CLIENT_ID: clientId, INFISICAL_CLIENT_SECRET: clientSecret } };
      },
    },
    "a credential is not in the environment": {
      code: "CREDENTIAL_MISSING",
      of: async () => ({ dir: (await site.project()).dir }),
    },
  };
  it.each(Object.entries(cases))(
    "%s: typed error with because and next, exit 1, nothing written",
    async (_name, one) => {
      const before = writes().length;
      const where = await one.of();
      const left = await call(where, "rotate", "heroku-api-key", "--yes", "--json");
      const { status, error } = json<Ended>(left);
      expect([left.code, status]).toEqual([1, "failed"]);
      expect(error).toEqual({ code: one.code, ...WHOLE });
      expect(writes()).toHaveLength(before);
      for (const value of Object.values(where.env ?? {}))
        if (value.length > 8) expect(left.out + left.err).not.toContain(value);
    },
  );
});

describe("a rotation that is not begun", () => {
  it("without a terminal and without --yes: exit 2, and the flag that was needed", async () => {
    const where = await site.project();
    const left = await call(where, "rotate", "heroku-api-key", "--json");
    expect([left.code, errorOf(left)]).toEqual([2, { code: "CONFIRMATION_NEEDED", ...WHOLE }]);
    expect(errorOf(left).next).toBe("lockstep rotate heroku-api-key --yes");
    const flags = ["--reason", "post-incident", "--because", "don't `wait`"];
    const { hash } = json<{ hash: string }>(
      await call(where, "plan", "heroku-api-key", ...flags.slice(0, 2), "--json"),
    );
    const more = await call(where, "rotate", "heroku-api-key", ...flags, "--plan", hash, "--json");
    expect(errorOf(more).next).toBe(
      `lockstep rotate heroku-api-key --reason post-incident --plan ${hash} --because 'don'\\''t \`wait\`' --yes`,
    );
    expect(json(await call(where, "runs", "--json"))).toMatchObject({ runs: [] });
  });

  it("of another secret than --confirm names: exit 2", async () => {
    const left = await call(
      await site.project(),
      "rotate",
      "heroku-api-key",
      "--confirm",
      "heroku",
      "--json",
    );
    expect([left.code, errorOf(left).code]).toEqual([2, "CONFIRMATION_NEEDED"]);
    expect(errorOf(left).message).toContain("--confirm heroku, which is not its name");
  });

  it("of an unknown secret: exit 2", async () => {
    const left = await call(await site.project(), "rotate", "nothing", "--yes", "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, "SECRET_UNKNOWN"]);
  });

  it("of another plan than --plan names: refused, with the plan that it is", async () => {
    const where = await site.project();
    const left = await call(where, "rotate", "heroku-api-key", "--plan", "00000000", "--yes", "--json");
    const { hash } = json<{ hash: string }>(await call(where, "plan", "heroku-api-key", "--json"));
    expect([left.code, errorOf(left).code]).toEqual([1, "PLAN_CHANGED"]);
    expect(errorOf(left).message).toContain(hash);
    const over = ["--take-over", "--because", "it is $GONE", "--plan", hash];
    const taken = errorOf(await call(where, "rotate", "heroku-api-key", ...over, "--json"));
    expect([taken.code, taken.next]).toEqual([
      "PLAN_CHANGED",
      expect.stringMatching(/^lockstep rotate heroku-api-key --take-over --because 'it is \$GONE' {4}/),
    ]);
    expect(json(await call(where, "runs", "--json"))).toMatchObject({ runs: [] });
  });

  it("interrupted between its yes and its beginning: 130, and no run that it does not name", async () => {
    const where = await site.project();
    const command = start(where, "rotate", "heroku-api-key", "--yes");
    await command.until(/To run exactly this/);
    command.signal("SIGINT");
    const left = await command.left;
    const { runs } = json<{ runs: readonly unknown[] }>(await call(where, "runs", "--json"));
    // How far it has come by then is the machine's affair: what it says has to be so.
    const begun = left.out.includes("Left heroku-api-key.rotate.1");
    expect(runs).toHaveLength(begun ? 1 : 0);
    if (left.code !== null) expect([left.code, left.err.includes("error DECLINED")]).toEqual([130, !begun]);
  });

  it("declined on a terminal: 130, nothing started", async (test) => {
    const where = await site.project();
    const said = onTerminal(where, "no\n", "rotate", "heroku-api-key");
    if (!said) return test.skip("no script(1) for a terminal");
    expect([said.code, said.out]).toEqual([130, expect.stringContaining("DECLINED")]);
    expect(said.out).toContain("PRODUCTION");
    expect(json(await call(where, "runs", "--json"))).toMatchObject({ runs: [] });
  });

  it("[P8] a run that somebody begins while a person looks at the plan is gone on with only if it is what was asked for", async (test) => {
    const where = await site.project();
    const person = atTerminal(where, "rotate", "heroku-api-key", "--reason", "offboarding");
    if (!person) return test.skip("no script(1) for a terminal");
    await person.until(/Type heroku-api-key to start/);
    const other = await call(where, "rotate", "heroku-api-key", "--supplied", "--yes");
    expect(other.code).toBe(4);
    person.say("heroku-api-key\n");
    const { code, out } = await person.left;
    expect([code, out]).toEqual([1, expect.stringContaining("RUN_IN_PROGRESS")]);
    expect(out).toContain("for the reason scheduled, not offboarding");
    expect((await call(where, "cancel", "heroku-api-key.rotate.1")).code).toBe(0);
  });

  it("what is on record of a secret or a run that is unknown: exit 2, and not that nothing is on record", async () => {
    const where = await site.project();
    for (const [code, ...args] of [
      ["SECRET_UNKNOWN", "runs", "--secret", "heroku"],
      ["SECRET_UNKNOWN", "audit", "--secret", "toString"],
      ["RUN_UNKNOWN", "audit", "heroku-api-key.rotate.1"],
    ]) {
      const left = await call(where, ...args, "--json");
      expect([args, left.code, errorOf(left).code]).toEqual([args, 2, code]);
    }
    expect((await call(where, "audit", "--secret", "heroku-api-key")).code).toBe(0);
  });

  it("show and cancel of an unknown run: exit 2", async () => {
    const where = await site.project();
    for (const command of ["show", "cancel"]) {
      const left = await call(where, command, "heroku-api-key.rotate.9", "--json");
      expect([command, left.code, errorOf(left).code]).toEqual([command, 2, "RUN_UNKNOWN"]);
    }
  });
});

describe("an installation that must not be used", () => {
  const keys = ({ dir }: Called) => path.join(dir, ".lockstep", "keys.json");
  const cases: Record<string, { code: string; spoil(where: Called): void | Promise<void> }> = {
    "its key file is readable by others": {
      code: "KEYRING_EXPOSED",
      spoil: (where) => chmodSync(keys(where), 0o644),
    },
    "its key file is broken": { code: "KEYRING_BROKEN", spoil: (where) => writeFileSync(keys(where), "{") },
    "its key file is empty": { code: "KEYRING_BROKEN", spoil: (where) => writeFileSync(keys(where), "") },
    "its key file is another's": {
      code: "KEYRING_WRONG",
      spoil: async (where) => {
        const other = await site.project();
        rmSync(path.join(other.dir, ".lockstep"), { recursive: true });
        await call(other, "status");
        cpSync(keys(other), keys(where));
      },
    },
    "its key file is gone": { code: "KEYRING_MISSING", spoil: (where) => rmSync(keys(where)) },
    "it is of a newer version": {
      code: "HOME_TOO_NEW",
      spoil: ({ dir }) => writeFileSync(path.join(dir, ".lockstep", "version"), "99\n"),
    },
    "it is of another PostgreSQL": {
      code: "POSTGRES_MAJOR_DIFFERS",
      spoil: ({ dir }) => {
        rmSync(path.join(dir, ".lockstep", "postgres-18"), { recursive: true });
        mkdirSync(path.join(dir, ".lockstep", "postgres-17"));
      },
    },
  };
  it.each(Object.entries(cases))("%s: exit 1, typed, nothing changed", async (_name, { code, spoil }) => {
    const where = await site.project();
    await spoil(where);
    const before = readFileSync(path.join(where.dir, ".lockstep", "version"), "utf8");
    const left = await call(where, "rotate", "heroku-api-key", "--yes", "--json");
    expect([left.code, errorOf(left)]).toEqual([1, { code, ...WHOLE }]);
    expect(readFileSync(path.join(where.dir, ".lockstep", "version"), "utf8")).toBe(before);
  });

  it("a database that cannot be reached: exit 1, typed, without its password", async () => {
    const { dir, env } = await site.project();
    const password = "p".repeat(20);
    const url = NOBODY.replace("http://", `postgres://lockstep:${password}@`);
    const left = await call(
      { dir, env: { ...env, LOCKSTEP_DATABASE_URL: `${url}/lockstep` } },
      "status",
      "--json",
    );
    expect([left.code, errorOf(left)]).toEqual([1, { code: "DATABASE_UNREACHABLE", ...WHOLE }]);
    expect(left.out + left.err).not.toContain(password);
  });
});

describe("a rotation that is left alone", () => {
  it("is interrupted by ^C: 130, safe; a second rotate goes on with the same run to its end", async () => {
    const where = await site.project();
    site.sandbox.control.set({ latencyMs: 60 });
    const first = start(where, "rotate", "heroku-api-key", "--yes", "--json");
    await first.until(/✓ {2}4 mint/);
    first.signal("SIGINT");
    const left = await first.left;
    expect(left.code).toBe(130);
    const { run, status } = json<{ run: string; status: string }>(left);
    expect(status).toBe("running");
    const second = await call(where, "rotate", "heroku-api-key", "--yes", "--json");
    site.sandbox.control.set({ latencyMs: 0 });
    expect(second.err).toContain(`Attached to ${run}`);
    expect(second.code).toBe(0);
    expect(json(second)).toMatchObject({ run, status: "completed" });
    const made = site.sandbox.heroku.authorizations.filter((one) => one.description.includes(" ls-"));
    expect(made.filter((one) => one.deletedAt === null)).toHaveLength(1);
  });

  it("[P11] whose embedded database is killed waits for it, goes on to its end by itself, and leaves", async () => {
    // Vendors of its own: what the test before has rotated is on record in another project.
    const own = await openSite();
    onTestFinished(() => own.close());
    const where = await own.project();
    own.sandbox.control.set({ latencyMs: 60 });
    const running = start(where, "rotate", "heroku-api-key", "--yes", "--json");
    await running.until(/✓ {2}4 mint/);
    process.kill(serverPid(path.join(where.dir, ".lockstep/postgres-18/data")) ?? 0, "SIGKILL");
    const left = await running.left;
    expect(left.err).toContain("the database is gone; the engine waits for it");
    expect([left.code, json(left)]).toMatchObject([0, { status: "completed" }]);
  });
});
