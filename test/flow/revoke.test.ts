import { describe, expect, it } from "vitest";
import { safeState } from "../../src/app/run-words.ts";
import { lateId, type RunRecord, unseenId } from "../../src/core/record.ts";
import { Secret } from "../../src/core/secret-value.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { END, expectNoValue, held, isAlive, livingOf, MINT } from "./expectations.ts";
import { nowText } from "./life.ts";
import { type Run, SECRET, type World, world } from "./world.ts";

const REPOSITORY = { repository: "raxx-app/TradeMasterAPI", name: "HEROKU_API_KEY" } as const;
const CANDIDATE = "73f5fe49-b802-4c5d-9e17-46d3a0c8f2b1";

/** A world after a rotation: the record knows the present key, and what was left in every place. */
async function rotated(): Promise<{ w: World; current: string; ends: () => number }> {
  const w = await world({ unguarded: true });
  const run = w.run();
  expect(await run.go()).toEqual({ status: "completed" });
  const [current = ""] = livingOf(w, run);
  const before = endsOf(w);
  return { w, current, ends: () => endsOf(w) - before };
}

function endsOf(w: World): number {
  const deleted = w.writes().filter((one) => one.method === END.method);
  return deleted.filter((one) => one.path.startsWith("/oauth/authorizations/")).length;
}

function printsOf(w: World, id: string) {
  const token = w.sandbox.control.estate().heroku.tokens[id] ?? "";
  return fingerprinter(w.ring)({ token: Secret.of(token) });
}

function generation(w: World, id: string, state: "current" | "previous", secret = SECRET) {
  const entry = w.sandbox.control.truth().heroku.authorizations.find((one) => one.id === id);
  return {
    secret,
    credential: {
      id,
      description: entry?.description ?? "",
      scopes: ["global"],
      createdAt: nowText(),
      account: "kris@moosequest.net",
    },
    fingerprints: printsOf(w, id),
    state,
    since: nowText(),
  };
}

const revoke = (w: World, id: string, breakGlass?: string): Run =>
  w.run({ flow: "revoke", request: { ending: { id, ...(breakGlass !== undefined && { breakGlass }) } } });

describe("revoke", () => {
  it("[X-01] ends a credential that no copy holds, by its exact id; its value is not known, so the record says gone", async () => {
    for (const asked of [CANDIDATE, CANDIDATE.slice(0, 8)]) {
      const { w, current, ends } = await rotated();
      const run = revoke(w, asked);
      expect(await run.go()).toEqual({ status: "completed" });
      expect(isAlive(w, CANDIDATE)).toBe(false);
      expect(isAlive(w, current)).toBe(true);
      expect(ends()).toBe(1);
      expect(w.memory.audit.at(-1)).toMatchObject({
        action: "secret.revoke.completed",
        context: { ended: { id: CANDIDATE }, shown: "gone" },
      });
      expect(w.memory.owed.size).toBe(0);
      expect(w.memory.sealed).toEqual([]);
      expectNoValue(w, run);
    }
  });

  it("what was found of the run that created it closes with the last credential of that run", async () => {
    const { w } = await rotated();
    const tag = "ls-aaaaaaaaaaaa";
    const other = "ls-bbbbbbbbbbbb";
    const owe = (id: string) =>
      w.memory.owed.set(id, { id, secret: SECRET, severity: "finding", says: id, next: "look" });
    const findings = [lateId(SECRET, tag), unseenId(SECRET, tag)];
    for (const id of [...findings, lateId(SECRET, other)]) owe(id);
    const make = () =>
      w.sandbox.control.act({ act: "create-authorization", description: `one ${tag}`, scope: ["global"] })
        .id ?? "";
    const [first, second] = [make(), make()];
    expect(await revoke(w, first).go()).toEqual({ status: "completed" });
    expect(w.memory.owed.size).toBe(3);
    expect(await revoke(w, second).go()).toEqual({ status: "completed" });
    expect([...w.memory.owed.keys()]).toEqual([lateId(SECRET, other)]);
  });

  it("[X-01] a generation on record is retired with it", async () => {
    const { w, current } = await rotated();
    w.memory.generations.push(generation(w, CANDIDATE, "previous"));
    expect(await revoke(w, CANDIDATE).go()).toEqual({ status: "completed" });
    expect(w.memory.generations.find((one) => one.credential.id === CANDIDATE)?.state).toBe("retired");
    expect(w.memory.generations.find((one) => one.credential.id === current)?.state).toBe("current");
  });

  it.each<[name: string, id: string, code: string, change?: (w: World, current: string) => void]>([
    ["an id that is not listed", "00000000-0000-4000-8000-000000000000", "OLD_NOT_IDENTIFIED"],
    ["too short a beginning", CANDIDATE.slice(0, 7), "OLD_NOT_IDENTIFIED"],
    ["what is declared as somebody else's", RAXX.sessionAuthorization, "OLD_NOT_IDENTIFIED"],
    ["what the vault holds", "", "COPY_HOLDS_OLD"],
    [
      "another secret's generation",
      CANDIDATE,
      "OLD_NOT_IDENTIFIED",
      (w) => w.memory.generations.push(generation(w, CANDIDATE, "current", "heroku-billing-api-key")),
    ],
    [
      "what an app holds",
      CANDIDATE,
      "COPY_HOLDS_OLD",
      (w) => {
        w.memory.generations.push(generation(w, CANDIDATE, "previous"));
        setApp(w, CANDIDATE);
      },
    ],
    [
      "what a release that is pending brings to an app",
      CANDIDATE,
      "SWEEP_INCOMPLETE",
      (w) => {
        w.memory.generations.push(generation(w, CANDIDATE, "previous"));
        w.sandbox.control.act({ act: "heroku.release", app: "raxx-api-staging", pendingSeconds: 600 });
        setApp(w, CANDIDATE);
      },
    ],
    [
      "what a release that is pending brings to an app that nobody declared",
      CANDIDATE,
      "COPY_UNDECLARED",
      (w) => {
        w.memory.generations.push(generation(w, CANDIDATE, "previous"));
        const app = "forgotten";
        w.sandbox.control.act({ act: "heroku.create-app", name: app });
        w.sandbox.control.act({ act: "heroku.release", app, pendingSeconds: 600 });
        const value = { authorization: CANDIDATE };
        w.sandbox.control.act({ act: "set-config-var", app, name: "DEPLOY_TOKEN", value });
      },
    ],
    [
      "a value that is not on record while a copy differs",
      CANDIDATE,
      "COPY_HOLDS_OLD",
      (w) => setApp(w, CANDIDATE),
    ],
    [
      "a copy that cannot be read and was changed since",
      CANDIDATE,
      "COPY_HOLDS_OLD",
      (w) =>
        w.sandbox.control.act({
          act: "set-github-secret",
          ...REPOSITORY,
          value: { authorization: CANDIDATE },
        }),
    ],
    [
      "a copy that cannot be read and that no rotation wrote",
      CANDIDATE,
      "COPY_HOLDS_OLD",
      (w) => w.memory.receipts.clear(),
    ],
    [
      "a vault key that is refused",
      CANDIDATE,
      "VENDOR_REFUSED_CREDENTIAL",
      (w, current) => w.sandbox.control.act({ act: "delete-authorization", id: current }),
    ],
  ])("[X-01] [X-06] refuses %s, and nothing is ended", async (_name, id, code, change) => {
    const { w, current, ends } = await rotated();
    change?.(w, current);
    expect(await revoke(w, id === "" ? current : id).go()).toMatchObject({
      status: "failed",
      trouble: { code },
    });
    expect(ends()).toBe(0);
    expect(w.memory.owed.size).toBe(0);
  });

  it("[X-06] a value on record is looked for by itself: a copy that differs from the vault does not keep it alive", async () => {
    const { w } = await rotated();
    w.memory.generations.push(generation(w, CANDIDATE, "previous"));
    setApp(w, "f44d9427-1c3b-4d68-b95e-80a7e2f6c913");
    expect(await revoke(w, CANDIDATE).go()).toEqual({ status: "completed" });
    expect(isAlive(w, CANDIDATE)).toBe(false);
  });

  it("[X-12] with broken glass the key in use is ended at once; the SEV-1 and the missing proof stay open", async () => {
    const { w, current } = await rotated();
    const run = revoke(w, current, "leaked in a log");
    expect(run.plan.snapshot.role).toBe("superadmin");
    expect(await run.go()).toEqual({ status: "completed" });
    expect(isAlive(w, current)).toBe(false);
    expect(held(w)["vault"]).toBe(current);
    expect([...w.memory.owed.values()]).toMatchObject([
      { id: `${SECRET}/no-key`, severity: "sev-1" },
      { id: `${SECRET}/unproved/${current}`, severity: "finding" },
    ]);
    expect(w.memory.audit.at(-1)?.context).toMatchObject({
      breakGlass: "leaked in a log",
      shown: "unproved",
    });
    expect([...w.memory.escalations.values()]).toMatchObject([{ kind: "sev-1" }]);
    expectNoValue(w, run);
  });

  it("[X-12] the SEV-1 stands before the key falls, and goes where the end is refused", async () => {
    const { w, current } = await rotated();
    w.sandbox.control.addFault({ ...END, kind: "status", status: 422, count: null });
    expect(await revoke(w, current, "leaked").go()).toMatchObject({ status: "held" });
    expect(isAlive(w, current)).toBe(true);
    expect(w.memory.owed.size).toBe(0);
  });

  it.each<[name: string, breakGlass?: string]>([
    ["no copy holds the key"],
    ["the glass is broken", "leaked"],
  ])("an end that is refused, and refused again, can be left: %s", async (_name, breakGlass) => {
    const { w } = await rotated();
    w.sandbox.control.addFault({ ...END, kind: "status", status: 422, count: null });
    const run = revoke(w, CANDIDATE, breakGlass);
    expect(await run.go()).toMatchObject({ status: "held" });
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "held" });
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expect(isAlive(w, CANDIDATE)).toBe(true);
    expect(w.memory.owed.size).toBe(0);
    expect(w.memory.sealed).toEqual([]);
    const record = w.memory.runs.get(run.id) as RunRecord;
    const steps = [...w.memory.steps.values()];
    expect(safeState({ ...record, flow: "revoke" }, steps)).toContain("the key that is to be ended lives");
  });

  it("[P4] [P9] an end that could not be put on record is not left, whatever a lagging list shows", async () => {
    const { w } = await rotated();
    w.memory.refuseAudit = ({ action }) => action === "secret.revoke.step.done";
    const run = revoke(w, CANDIDATE);
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "AUDIT_UNWRITABLE" } });
    expect(isAlive(w, CANDIDATE)).toBe(false);
    w.memory.refuseAudit = () => false;
    w.sandbox.control.addFault({ ...MINT, method: "GET", kind: "stale", count: null });
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "held" });
    w.sandbox.control.clearFaults();
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
  });

  it("an end whose answer was lost is not left, and goes on until it is shown", async () => {
    const { w } = await rotated();
    w.sandbox.control.addFault({ ...END, kind: "lost-request", count: 1 });
    w.sandbox.control.addFault({ ...END, kind: "status", status: 422, count: 1 });
    const run = revoke(w, CANDIDATE);
    expect(await run.go()).toMatchObject({ status: "held" });
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "held" });
    expect(isAlive(w, CANDIDATE)).toBe(true);
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expect(isAlive(w, CANDIDATE)).toBe(false);
  });

  it("[P4] an end whose reply is lost is settled by looking, and sent once", async () => {
    const { w, ends } = await rotated();
    w.sandbox.control.addFault({ ...END, kind: "lost-reply", count: 1 });
    expect(await revoke(w, CANDIDATE).go()).toEqual({ status: "completed" });
    expect(ends()).toBe(1);
  });
});

function setApp(w: World, id: string): void {
  w.sandbox.control.act({
    act: "set-config-var",
    app: "raxx-console-prod",
    name: "HEROKU_API_KEY",
    value: { authorization: id },
  });
}
