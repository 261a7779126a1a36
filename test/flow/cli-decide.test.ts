import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openHome } from "../../src/app/home.ts";
import { planFor } from "../../src/app/runs.ts";
import { reserveRun } from "../../src/db/runs.ts";
import { DBOS_SCHEMA, SCHEMA } from "../../src/engine/names.ts";
import { OTHER_PLAN } from "../../src/engine/sealed.ts";
import { LAST_COPY, SECRET, type Shown, type Stand, standOf } from "./cli-estate.ts";
import {
  type Called,
  call,
  errorOf,
  json,
  onTerminal,
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
  stand.age();
  // The run that has ended, and shows how often is looked before the mint.
  expect((await stand.rotate()).code).toBe(0);
});
afterAll(() => site?.close());
beforeEach(() => stand.age());

const refused = { kind: "status", status: 403, count: null } as const;
describe("[X-15] an installation that is frozen", () => {
  it("holds a run at its next effect; show says who, why and how it is lifted, and that command carries it out", async () => {
    const frozen = await call(home, "freeze", "--all", "--because", "an incident", "--json");
    expect([frozen.code, json(frozen)["reason"]]).toEqual([0, "an incident"]);
    const { code, run } = await stand.rotate();
    expect(code).toBe(5);
    const shown = await stand.show(run);
    expect([shown.error?.code, shown.frozen?.reason]).toEqual(["FROZEN", "an incident"]);
    expect(shown.state).toMatch(/^The old key [0-9a-f]{6} is in the vault; nothing has been changed\.$/);
    expect(await stand.lines(run)).toContainEqual(expect.stringMatching(/has frozen .+: an incident$/));
    const status = await call(home, "status");
    expect(status.out).toMatch(
      /frozen +no new effect begins: frozen since .+, an\s+incident\n +next {2}lockstep freeze --lift/,
    );
    expect(shown.next).toMatch(/^lockstep freeze --lift {4}/);
    const lifted = await type(home, shown.next.replace("--lift", "--lift --because 'it is over'"));
    expect((await call(home, "audit")).out).toMatch(/freeze\.lifted .+\n +reason="it is over"/);
    expect([lifted.code, lifted.out]).toEqual([0, expect.stringContaining("Done in ")]);
    await stand.expectRotated(run);
  });

  it("tells by its exit code of a run that goes wrong once it is lifted", async () => {
    await call(home, "freeze", "--all", "--because", "an incident");
    const { run } = await stand.rotate();
    site.sandbox.control.addFault({ ...refused, vendor: "heroku", method: "GET", route: "/account" });
    const { code, out } = await call(home, "freeze", "--lift", "--json");
    site.sandbox.control.clearFaults();
    const runs = [expect.objectContaining({ run, status: "failed" })];
    expect([code, JSON.parse(out)]).toEqual([1, { frozen: false, resumed: [run], runs }]);
  });
});

describe("[X-15] a run that is held before the first store write", () => {
  const LIST = "/oauth/authorizations";

  /** How often the list is read before the mint, as the first run of all did. */
  function looksBefore(): number {
    const asked = site.sandbox.control.journal.list({ vendor: "heroku" }).filter(({ path }) => path === LIST);
    const mint = asked.findIndex(({ method }) => method === "POST");
    if (mint < 0) throw new Error("no run has minted yet");
    return mint;
  }

  /** The reply of the mint is lost, and then the list cannot be read: nobody can tell whether there is a new key. */
  async function heldAtTheMint(): Promise<Shown> {
    const { control } = site.sandbox;
    control.addFault({ kind: "lost-reply", vendor: "heroku", method: "POST", route: LIST });
    control.addFault({ ...refused, vendor: "heroku", method: "GET", route: LIST, skip: looksBefore() });
    const { code, run } = await stand.rotate();
    control.clearFaults();
    expect(code).toBe(5);
    return stand.show(run);
  }

  it("whose journal cannot be trusted is parked: show and status say so, and lead to doctor", async () => {
    const shown = await heldAtTheMint();
    const opened = await openHome({ cwd: home.dir, env: {}, sandbox: false });
    try {
      await opened.database.query(
        `INSERT INTO ${SCHEMA}.parked (run, executor, why, entry) VALUES ($1, 'x', 'it was changed', 'start')`,
        [shown.run],
      );
      const parked = await stand.show(shown.run);
      expect([parked.parked, parked.choices]).toEqual(["it was changed", []]);
      expect(await stand.lines(shown.run)).toContainEqual(
        expect.stringMatching(/^RUN_PARKED .+: it was changed$/),
      );
      expect((await call(home, "status")).out).toMatch(/parked +heroku-api-key\.rotate\.\d: it was changed/);
      const doctor = await type(home, parked.next);
      expect([doctor.code, doctor.out]).toEqual([1, expect.stringContaining("RUN_PARKED")]);
      await opened.database.query(`UPDATE ${SCHEMA}.parked SET why = $1`, [OTHER_PLAN]);
      const other = (await stand.lines(shown.run)).join("\n");
      expect(other).toContain("start a worker of the version that began it");
      await opened.database.query(`DELETE FROM ${SCHEMA}.parked`);
    } finally {
      await opened.close();
    }
    expect((await stand.choose(shown, "retry")).code).toBe(0);
    await stand.expectRotated(shown.run);
  });

  it("[X-14] can be cancelled: what it may have created is ended, and nothing was written", async () => {
    const before = stand.held();
    const shown = await heldAtTheMint();
    expect(shown.state).toMatch(/is in the vault; the new key may exist, and no copy has been changed\.$/);
    expect(shown.choices.map((one) => one.choice)).toEqual(["retry", "settle", "cancel"]);
    expect((await stand.choose(shown, "cancel")).code).toBe(0);
    const after = await stand.show(shown.run);
    expect([after.status, after.error?.code]).toEqual(["cancelled", expect.any(String)]);
    expect(stand.held()).toEqual(before);
    const living = site.sandbox.control
      .truth()
      .heroku.authorizations.filter(({ alive, description }) => alive && description.includes(" ls-"));
    expect(living.map(({ id }) => id)).toEqual([before["vault"]]);
    expect((await type(home, after.next)).code).toBe(0);
  });

  it("whose cancelling fails is held again: exit 5, and what can be decided", async () => {
    const shown = await heldAtTheMint();
    site.sandbox.control.addFault({ ...refused, vendor: "heroku", method: "GET", route: LIST });
    const left = await stand.choose(shown, "cancel");
    site.sandbox.control.clearFaults();
    expect([left.code, left.out]).toEqual([5, expect.stringContaining(`lockstep cancel ${shown.run}`)]);
    expect((await call(home, "cancel", shown.run)).code).toBe(0);
  });

  it("^C leaves one that is being cancelled: exit 130, and it is cancelled by whoever goes on with it", async () => {
    const shown = await heldAtTheMint();
    site.sandbox.control.set({ latencyMs: 1_000 });
    const cancelling = start(home, "cancel", shown.run, "--json");
    await cancelling.until(/asked to stop/);
    cancelling.signal("SIGINT");
    const left = await cancelling.left;
    site.sandbox.control.set({ latencyMs: 0 });
    expect([left.code, json(left)["run"]]).toEqual([130, shown.run]);
    expect((await call(home, "cancel", shown.run)).code).toBe(0);
    expect((await stand.show(shown.run)).status).toBe("cancelled");
  });

  it("whose starter died before anybody could carry it out is cancelled at once", async () => {
    const opened = await openHome({ cwd: home.dir, env: {}, sandbox: false });
    try {
      const { database, config } = opened;
      const plan = planFor(config, { secret: SECRET, flow: "rotate", reason: "scheduled", sandbox: false });
      const { runbook, hash: planHash } = plan;
      const actor = { name: "kris", assurance: "local user" } as const;
      const asked = { secret: SECRET, flow: "rotate", runbook, planHash, plan } as const;
      const { run } = await reserveRun(database, { ...asked, reason: "scheduled", actor });
      const left = await call(home, "cancel", run.id, "--json");
      expect([left.code, json(left)["status"]]).toEqual([0, "cancelled"]);
    } finally {
      await opened.close();
    }
  });
});

describe("a decision on a run that is not held", () => {
  it("is refused, and leads to show: completed, unknown", async () => {
    const run = `${SECRET}.rotate.1`;
    for (const args of [
      ["resolve", run, "--retry"],
      ["rollback", run],
      ["resolve", run, "--break-glass"],
      ["answer", run, "--done"],
    ]) {
      const left = await call(home, ...args, "--json");
      expect([args[0], left.code, errorOf(left).code]).toEqual([args[0], 1, "RUN_NOT_WAITING"]);
      expect((await type(home, errorOf(left).next)).code).toBe(0);
    }
    for (const command of ["resolve", "rollback", "answer", "show", "cancel"]) {
      const left = await call(home, command, `${SECRET}.rotate.99`, "--json");
      expect([command, left.code, errorOf(left).code]).toEqual([command, 2, "RUN_UNKNOWN"]);
      expect((await type(home, errorOf(left).next)).code).toBe(0);
    }
  });

  it("without a choice, resolve says that there is nothing to decide, and asks nothing on a terminal", async (test) => {
    const left = await call(home, "resolve", `${SECRET}.rotate.1`);
    expect([left.code, left.out]).toEqual([0, expect.stringContaining("There is nothing to decide")]);
    const there = onTerminal(home, "", "resolve", `${SECRET}.rotate.1`);
    if (!there) return test.skip("no script(1) for a terminal");
    expect(there.code).toBe(0);
  });
});

describe("[X-15] a run that is parked under a command that goes on with it", () => {
  it("is said, with exit code 5, instead of being waited for", async () => {
    const { control } = site.sandbox;
    control.addFault({ ...refused, ...LAST_COPY });
    const { run } = await stand.rotate();
    control.clearFaults();
    const opened = await openHome({ cwd: home.dir, env: {}, sandbox: false });
    try {
      // One entry in the place of another, as somebody who can write the database could do it.
      const outputs = `${DBOS_SCHEMA}.operation_outputs`;
      await opened.database.query(
        `UPDATE ${outputs} SET output = (SELECT output FROM ${outputs} WHERE workflow_uuid = $1 AND function_id = 2)
         WHERE workflow_uuid = $1 AND function_id = 3`,
        [run],
      );
    } finally {
      await opened.close();
    }
    const decisions = [
      ["resolve", run, "--retry"],
      ["rotate", SECRET, "--yes"],
    ];
    for (const args of decisions) {
      const left = await call(home, ...args, "--json");
      expect([args[0], left.code, errorOf(left).code]).toEqual([args[0], 5, "RUN_PARKED"]);
      expect((await type(home, errorOf(left).next)).code).toBe(5);
    }
  });
});
