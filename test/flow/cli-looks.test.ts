import { copyFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openHome } from "../../src/app/home.ts";
import { strayId } from "../../src/core/record.ts";
import { ledgerIn } from "../../src/db/ledger.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { SECRET, type Stand, standOf } from "./cli-estate.ts";
import {
  type Called,
  call,
  errorOf,
  json,
  type Left,
  openSite,
  type Site,
  start,
  type,
} from "./cli-harness.ts";

let site: Site;
let home: Called;
let stand: Stand;
beforeAll(async () => {
  site = await openSite();
  home = await site.project();
  stand = standOf(site, home);
});
afterAll(() => site?.close());
beforeEach(() => stand.age());

interface Verified {
  readonly ok: boolean;
  readonly next: string | null;
  readonly vault: { readonly is: string };
  readonly places: readonly { readonly target: string; readonly state: string; readonly says: string }[];
}

const STAGING = "heroku raxx-api-staging HEROKU_API_KEY";
const verify = async () => {
  const left = await call(home, "verify", SECRET, "--json");
  return { code: left.code, found: json<Verified & Record<string, unknown>>(left) };
};
const setStaging = (authorization: string) =>
  site.sandbox.control.act({
    act: "set-config-var",
    app: "raxx-api-staging",
    name: "HEROKU_API_KEY",
    value: { authorization },
  });

async function withDatabase({ dir }: Called, sql: string): Promise<void> {
  const opened = await openHome({ cwd: dir, env: {}, sandbox: false });
  try {
    await opened.database.query(sql);
  } finally {
    await opened.close();
  }
}

describe("[X-11] adopt", () => {
  let adopted: Left;
  beforeAll(async () => {
    const log = path.join(home.dir, "log.md");
    const row = `| 2026-07-01 | kris | old (b1e6320e) | \`${RAXX.currentAuthorization.slice(0, 8)}\` (\`raxx-ci-rotation-2026-07\`) | |`;
    writeFileSync(
      log,
      `| Date (UTC) | Actor | Old auth description | New auth ID | Notes |\n|---|---|---|---|---|\n${row}\n`,
    );
    adopted = await call(home, "adopt", SECRET, "--log", log, "--json");
  });

  it("records the present key and an older log; the due date is known from then on", async () => {
    expect([adopted.code, adopted.err]).toEqual([0, ""]);
    expect(json(adopted)).toMatchObject({
      credential: { id: RAXX.currentAuthorization },
      imported: 1,
      due: { lastRotated: "2026-07-01T00:00:00.000Z" },
    });
    const status = json<{ secrets: { lastRotated: string | null; current: { id: string } | null }[] }>(
      await call(home, "status", "--json"),
    );
    expect(status.secrets[0]).toMatchObject({
      lastRotated: "2026-07-01T00:00:00.000Z",
      current: { id: RAXX.currentAuthorization },
    });
  });

  it("without a terminal and a yes to another place: exit 2, and the command that has all that was given", async () => {
    await withDatabase(home, "UPDATE lockstep.place SET target_id = 'another' WHERE copy LIKE 'github%'");
    const log = path.join(home.dir, "$HOME's log.md");
    copyFileSync(path.join(home.dir, "log.md"), log);
    const left = await call(home, "adopt", SECRET, "--log", log, "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, "CONFIRMATION_NEEDED"]);
    expect(errorOf(left).next).toContain("--log ");
    expect((await type(home, errorOf(left).next)).code).toBe(0);
  });

  it("[P3] after a change by hand, the key that was on record before is a finding while it lives", async () => {
    const key = (authorization: string) =>
      site.sandbox.control.act({
        act: "set-vault-secret",
        key: "HEROKU_API_KEY",
        environment: "prod",
        path: "/MooseQuest/heroku",
        value: { authorization },
      });
    const findings = async () =>
      json<{ open: { findings: { id: string }[] } }>(await call(home, "status", "--json")).open.findings.map(
        ({ id }) => id,
      );
    const { act } = site.sandbox.control;
    const id = act({ act: "create-authorization", description: "by hand", scope: ["global"] }).id ?? "";
    key(id);
    const left = await call(home, "adopt", SECRET, "--json");
    expect(json<{ warnings: string[] }>(left).warnings).toContainEqual(
      expect.stringContaining(`lockstep revoke ${SECRET} --id ${RAXX.currentAuthorization}`),
    );
    expect(await findings()).toEqual([strayId(SECRET, RAXX.currentAuthorization)]);
    key(RAXX.currentAuthorization);
    act({ act: "delete-authorization", id });
    expect(await call(home, "adopt", SECRET)).toMatchObject({ code: 0 });
    // It is the present one again, and the other one is gone.
    expect(await findings()).toEqual([]);
  });

  it("imports no row that stands under the title of another secret, and says so", async () => {
    const log = path.join(home.dir, "two.md");
    const row = "| 2026-05-02 | kris | old (0123abcd) | b1e6320e (raxx) | |";
    const other = "| 2026-06-02 | kris | old (0123abcd) | 4567cdef (billing) | |";
    const title = "## Rotation log of heroku";
    writeFileSync(log, `${title}-api-key\n\n${row}\n\n${title}-billing-api-key\n\n${other}\n`);
    const left = json<{ imported: number; warnings: string[] }>(
      await call(home, "adopt", SECRET, "--log", log, "--json"),
    );
    expect(left.imported).toBe(1);
    expect(left.warnings).toContainEqual(expect.stringContaining("title of another secret"));
    const markdown = (await call(home, "audit", "--log")).out;
    expect(markdown).toContain("b1e6320e (raxx)");
    expect(markdown).not.toContain("billing");
  });

  it("refuses a log that is none, and one that is not there, and records nothing: exit 2", async () => {
    const file = path.join(home.dir, "none.md");
    writeFileSync(file, "no table\n");
    for (const log of [file, `${file}.gone`]) {
      const left = await call(home, "adopt", SECRET, "--log", log, "--json");
      expect([left.code, errorOf(left).code]).toEqual([2, "USAGE"]);
      expect(errorOf(left).next).toContain(`lockstep adopt ${SECRET}`);
    }
  });
});

/** What was broken into lines, on one. */
const flat = (text: string) => text.replaceAll(/\s+/g, " ");

const WITHIN = { timeout: 240_000 };

describe("[X-15] verify", () => {
  it("all copies agree: exit 0", async () => {
    const { code, found } = await verify();
    expect([code, found.ok, found.next]).toEqual([0, true, null]);
  });

  it("closes what was found of a key once a person has ended it by hand, and says so", async () => {
    const id =
      site.sandbox.control.act({ act: "create-authorization", description: "x", scope: ["global"] }).id ?? "";
    const opened = await openHome({ cwd: home.dir, env: {}, sandbox: false });
    const stray = { id: strayId(SECRET, id), secret: SECRET, severity: "finding", says: "it lives" } as const;
    await ledgerIn(opened.database).owe({ ...stray, next: "look" });
    await opened.close();
    const status = await call(home, "status");
    expect(status.out).toMatch(new RegExp(`or {4}lockstep verify ${SECRET}\n +closes it`));
    expect((await verify()).found["closed"]).toEqual([]);
    site.sandbox.control.act({ act: "delete-authorization", id });
    const text = await call(home, "verify", SECRET);
    expect([text.code, text.out]).toEqual([0, expect.stringContaining("closed, since it is gone: it lives")]);
    expect((await call(home, "status")).out).not.toContain(id);
  });

  it("a copy that differs: exit 3, which one, and the next command", async () => {
    setStaging(RAXX.sessionAuthorization);
    const { code, found } = await verify();
    expect([code, found.ok]).toEqual([3, false]);
    expect(found.places.filter((one) => one.state === "differs").map((one) => one.target)).toEqual([STAGING]);
    expect((await type(home, found.next ?? "")).code).toBe(0);
    const text = await call(home, "verify", SECRET);
    expect([text.code, text.out]).toEqual([3, expect.stringMatching(/differs .+ heroku raxx-api-staging/)]);
    setStaging(RAXX.currentAuthorization);
  });

  it("a release that is pending is no agreement, whatever the copy holds until then: exit 3", async () => {
    site.sandbox.control.act({ act: "heroku.release", app: "raxx-api-staging", pendingSeconds: 86_400 });
    const { code, found } = await verify();
    expect([code, found.ok]).toEqual([3, false]);
    expect(found.places.find((one) => one.target === STAGING)?.says).toMatch(/pending/);
    const staging = site.sandbox.heroku.apps.find(({ name }) => name === "raxx-api-staging");
    Object.assign(staging?.releases.at(-1) ?? {}, { endsAt: Date.now() });
    await expect.poll(async () => (await verify()).code, WITHIN).toBe(0);
  });

  it("[DR-15] a copy that nobody declared: exit 3, and what helps is to remove or declare it, not a rotation", async () => {
    const other = { act: "set-config-var", app: "raxx-api-staging", name: "OLD_DEPLOY_KEY" } as const;
    site.sandbox.control.act({ ...other, value: { authorization: RAXX.currentAuthorization } });
    const { code, found } = await verify();
    expect([code, found.next]).toEqual([
      3,
      expect.stringMatching(/^lockstep verify heroku-api-key {4}.+ heroku raxx-api-staging OLD_DEPLOY_KEY\b/),
    ]);
    site.sandbox.control.act({ ...other, value: null });
    expect((await type(home, found.next ?? "")).code).toBe(0);
  });

  it("a copy whose consumers are not at rest: exit 3, and what its own trouble says", async () => {
    const release = (releaseFails: boolean) => {
      site.sandbox.control.set({ apps: { "raxx-api-staging": { releaseCommand: "x", releaseFails } } });
      setStaging(RAXX.currentAuthorization);
    };
    release(true);
    // The release phase takes its time.
    await expect.poll(async () => (await verify()).found.next, WITHIN).toContain("heroku releases:output");
    expect((await verify()).code).toBe(3);
    release(false);
    await expect.poll(async () => (await verify()).code, WITHIN).toBe(0);
  });
});

describe("[X-15] impact", () => {
  it("names every copy, every consumer, and what Lockstep itself could not do any more; asks no vendor", async () => {
    const before = site.sandbox.control.journal.list().length;
    const left = await call(home, "impact", SECRET, "--json");
    expect(left.code).toBe(0);
    const found = json<{
      copies: { target: string }[];
      consumers: { pulls: boolean }[];
      access: object[];
      next: string;
    }>(left);
    expect(found.copies).toHaveLength(6);
    expect(found.consumers.map(({ pulls }) => pulls)).toEqual([false, false, true]);
    expect(found.access).toEqual([{ connection: "heroku", secrets: [SECRET, "heroku-billing-api-key"] }]);
    expect(site.sandbox.control.journal.list()).toHaveLength(before);
    const text = (await call(home, "impact", SECRET)).out;
    for (const { target } of found.copies) expect(text).toContain(target);
    expect(flat(text)).toContain("from the vault by session-bootstrap.sh (pulls)");
    expect(text).toContain(`next  ${found.next}`);
    expect((await type(home, found.next)).code).toBe(0);
  });
});

describe("cancel", () => {
  it("[X-14] is refused once a store is written: exit 1, and next goes on with the run", async () => {
    // The last copy is written slowly, so that the run is under way for long enough.
    site.sandbox.control.set({ apps: { "raxx-console-prod": { dynoStartMs: 3_000 } } });
    const run = start(home, "rotate", SECRET, "--yes", "--json");
    await run.until(/✓ {2}6 store/);
    const left = await call(home, "cancel", `${SECRET}.rotate.1`, "--json");
    expect([left.code, errorOf(left).code]).toEqual([1, "RUN_NOT_CANCELLABLE"]);
    const [next, first] = await Promise.all([type(home, errorOf(left).next), run.left]);
    site.sandbox.control.set({ apps: { "raxx-console-prod": { dynoStartMs: 0 } } });
    expect([next.code, first.code]).toEqual([0, 0]);
    await stand.expectRotated(`${SECRET}.rotate.1`);
  });
});

describe("[X-03] keys rotate", () => {
  it("is a superadmin's; whoever has a lower role may look", async () => {
    const operators = { [userInfo().username]: { role: "ops" } };
    const where = await site.project((config) => ({ ...config, operators }));
    const refused = await call(where, "keys", "rotate", "--json");
    expect([refused.code, errorOf(refused).code]).toEqual([1, "ROLE_MISSING"]);
    expect(json<{ keys: string[] }>(await call(where, "keys", "--json")).keys).toHaveLength(1);
    const may = await site.project();
    expect((await call(may, "keys", "rotate")).code).toBe(0);
    expect(json<{ keys: string[] }>(await call(may, "keys", "--json")).keys).toHaveLength(2);
  });

  it("[P9] adds no key where the audit log cannot be written: the ring is as it was", async () => {
    const where = await site.project();
    const ring = async () => json(await call(where, "keys", "--json"));
    await withDatabase(where, "REVOKE INSERT ON lockstep.audit FROM CURRENT_USER");
    const before = await ring();
    const left = await call(where, "keys", "rotate", "--json");
    expect([left.code, errorOf(left).code]).toEqual([1, "AUDIT_UNWRITABLE"]);
    expect(await ring()).toEqual(before);
  });
});

describe("[X-01] revoke", () => {
  // What a copy holds that cannot be read is known from a rotation alone.
  beforeAll(async () => {
    stand.age();
    expect((await stand.rotate()).code).toBe(0);
  });

  const made = () =>
    site.sandbox.control.act({
      act: "create-authorization",
      description: "raxx-ci-rotation-2026-09",
      scope: ["global"],
    }).id ?? "";

  it("without --id, without a reason for broken glass, without a yes: exit 2, and the command that has it", async () => {
    const id = made();
    const cases: readonly [readonly string[], string, string][] = [
      [[], "USAGE", `lockstep revoke ${SECRET} --id <id>`],
      [["--id", id.slice(0, 7)], "USAGE", `lockstep revoke ${SECRET} --id <id>`],
      [["--id", id, "--break-glass"], "USAGE", '--break-glass --because "why"'],
      [["--id", id], "CONFIRMATION_NEEDED", `lockstep revoke ${SECRET} --id ${id} --yes`],
    ];
    for (const [flags, code, next] of cases) {
      const left = await call(home, "revoke", SECRET, ...flags, "--json");
      expect([left.code, errorOf(left).code]).toEqual([2, code]);
      expect(errorOf(left).next).toContain(next);
    }
    const short = await call(home, "revoke", SECRET, "--id", "123");
    expect(short.err).toMatch(/^error USAGE .+ 8 or more characters/);
    expect(stand.alive(id)).toBe(true);
    const printed = errorOf(await call(home, "revoke", SECRET, "--id", id, "--json")).next;
    expect((await type(home, printed)).code).toBe(0);
    expect(stand.alive(id)).toBe(false);
  });

  it("[X-06] never ends the key that copies hold: exit 1, and it lives on", async () => {
    const current = stand.held()["vault"] ?? "";
    const left = await call(home, "revoke", SECRET, "--id", current, "--yes", "--json");
    expect([left.code, errorOf(left).code]).toEqual([1, "COPY_HOLDS_OLD"]);
    expect(errorOf(left).next).toMatch(/^lockstep rotate heroku-api-key {4}/);
    expect(stand.alive(current)).toBe(true);
  });

  it("that the issuer refuses can be cancelled, and says that the key lives", async () => {
    const id = made();
    const end = { vendor: "heroku", method: "DELETE", route: "/oauth/authorizations/:id" } as const;
    site.sandbox.control.addFault({ ...end, kind: "status", status: 422, count: null });
    const left = await call(home, "revoke", SECRET, "--id", id, "--yes");
    site.sandbox.control.clearFaults();
    expect([left.code, left.out + left.err]).toEqual([5, expect.stringContaining("lockstep cancel")]);
    const run = /heroku-api-key\.revoke\.\d+/.exec(left.out + left.err)?.[0] ?? "";
    const gone = await call(home, "cancel", run);
    expect([gone.code, gone.out]).toEqual([0, expect.stringContaining("the key that is to be ended lives")]);
    expect(stand.alive(id)).toBe(true);
  });

  it("[X-12] --break-glass wants what will break typed back; the SEV-1 stays until a new key is canonical", async () => {
    const current = stand.held()["vault"] ?? "";
    const why = 'found in a "public" log: `pwd`, $HOME';
    const flags = ["--id", current, "--break-glass", "--because", why];
    const half = await call(home, "revoke", SECRET, ...flags, "--confirm", STAGING, "--json");
    expect([half.code, errorOf(half).code]).toEqual([130, "DECLINED"]);
    const asked = errorOf(await call(home, "revoke", SECRET, ...flags, "--json"));
    expect([asked.code, asked.next]).toEqual([
      "CONFIRMATION_NEEDED",
      expect.stringContaining(` --because '${why}' `),
    ]);
    expect(stand.alive(current)).toBe(true);
    const ended = await type(home, `${asked.next} --json`);
    expect(ended.code).toBe(0);
    expect(stand.alive(current)).toBe(false);
    const { run } = json<{ run: string }>(ended);
    const shown = await stand.show(run);
    expect(shown.state).toMatch(/^The key that was to be ended is ended: refused /);
    expect(shown.findings.map((one) => one.severity)).toContain("sev-1");
    const [sev1] = shown.findings;
    expect(sev1?.says).toContain(why);
    expect(json(await call(home, "show", run, "--json"))["because"]).toBe(why);
    expect(flat((await stand.lines(run)).join("\n"))).toContain(flat(`SEV-1 ${sev1?.says}`));
    const unproved = `${SECRET}/unproved/${current}`;
    const or = (await stand.lines(run)).find((line) => line.includes("lockstep dismiss"));
    expect(or).toMatch(new RegExp(`^ +or    lockstep dismiss .*${unproved} --because "why"$`));
    const dismissal = ["--because", "seen in the vendor's own log", "--json"];
    for (const [id, flags] of [
      [unproved, ["--json"]],
      [`${SECRET}/no-key`, dismissal],
    ] as const)
      expect(errorOf(await call(home, "dismiss", id, ...flags)).code).toBe("USAGE");
    expect((await call(home, "dismiss", unproved, ...dismissal)).code).toBe(0);
    expect((await stand.show(run)).findings.map((one) => one.severity)).toEqual(["sev-1"]);
    const { code, found } = await verify();
    expect([code, found.vault.is, found.next]).toEqual([3, "dead", expect.stringContaining("--supplied")]);
    // What the finding says to do is done.
    const supply = await type(home, `${sev1?.next} --yes --json`);
    expect(supply.code).toBe(4);
    const waiting = await stand.show(json<{ run: string }>(supply).run);
    const description = /-d '([^']+)'/.exec(waiting.task?.task.lines.join("\n") ?? "")?.[1] ?? "";
    const id =
      site.sandbox.control.act({ act: "create-authorization", description, scope: ["global"] }).id ?? "";
    const token = site.sandbox.control.estate().heroku.tokens[id] ?? "";
    expect((await type(home, waiting.next, `${token}\n`)).code).toBe(0);
    expect(new Set(Object.values(stand.held()))).toEqual(new Set([id]));
    expect((await stand.show(waiting.run)).findings).toEqual([]);
    expect((await verify()).code).toBe(0);
  });
});
