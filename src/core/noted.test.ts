import { describe, expect, it } from "vitest";
import { noteCall } from "./calls.ts";
import { type ActResult, type Circumstances, doneWith, failed } from "./circumstances.ts";
import { LockstepError } from "./errors.ts";
import type { Facts } from "./facts.ts";
import { entry, noted, wasAnnounced } from "./noted.ts";
import type { Step } from "./step.ts";
import { act, type Stage, stage, TROUBLE } from "./testing/stage.ts";

const around = (s: Stage): Circumstances => ({
  facts: {} as Facts,
  attempt: 2,
  journal: s.journal,
  ports: s.ports,
});
const change = { state: "acting" } as const;
const away = new LockstepError({ ...TROUBLE, code: "DATABASE_UNREACHABLE" });
const unwritable = new LockstepError({ ...TROUBLE, code: "AUDIT_UNWRITABLE" });
const done = doneWith(1, { touched: true, found: false });
const said = (s: Stage) => s.audit.map(({ action }) => action.replace(/.*\./, ""));
const note = (s: Stage, step: Step, body: () => Promise<ActResult>, ends?: () => string) =>
  noted(step, around(s), { change, ...(ends && { ends }) }, body);

describe("[P9] what a step did", () => {
  it("is shown and on record, with the calls that it made", async () => {
    const s = stage();
    const call = { vendor: "v", method: "GET", route: "/r", status: 200, requestId: "q", ms: 7 } as const;
    const begun: unknown[] = [];
    const body = async () => {
      begun.push(s.shown.get("a"));
      noteCall(call);
      return done;
    };
    expect(await note(s, act(s.log, { id: "a" }), body, () => "ended")).toEqual(done);
    expect(begun).toMatchObject([{ state: "acting", startedAt: s.journal.now() }]);
    expect(s.shown.get("a")).toMatchObject({ state: "done", says: "ended", calls: [call] });
    const { ms: _ms, ...request } = call;
    expect(s.audit).toMatchObject([
      {
        action: "secret.rotate.step.done",
        step: "a",
        context: { found: false, attempt: 2, requests: [request] },
      },
    ]);
  });

  it("is not shown as ended where a proof follows", async () => {
    const s = stage();
    await note(s, act(s.log, { id: "a" }), async () => done);
    expect(s.shown.get("a")).toMatchObject({ state: "acting" });
    expect(said(s)).toEqual(["done"]);
  });

  it("is shown as failed, and on record where it may have had an effect; a wish to stop is no failure", async () => {
    for (const [result, state, record] of [
      [failed(TROUBLE), "failed", []],
      [failed(TROUBLE, { touched: true }), "failed", ["failed"]],
      [failed(TROUBLE, { stopped: true }), "acting", []],
    ] as const) {
      const s = stage();
      expect(
        await note(
          s,
          act(s.log, { id: "a" }),
          async () => result,
          () => "ended",
        ),
      ).toEqual(result);
      expect(s.shown.get("a")).toMatchObject({ state });
      expect(said(s)).toEqual(record);
      if (record.length > 0) expect(s.audit[0]?.context).toMatchObject({ trouble: TROUBLE });
    }
    const looks = stage();
    await note(
      looks,
      act(looks.log, { id: "a", effect: "none" }),
      async () => done,
      () => "ended",
    );
    expect([said(looks), looks.shown.get("a")?.["state"]]).toEqual([[], "done"]);
  });

  it("names the secret in what is to be done next", async () => {
    const s = stage();
    const result = failed({ ...TROUBLE, next: "lockstep plan <secret>" });
    expect(await note(s, act(s.log, { id: "a" }), async () => result)).toMatchObject({
      trouble: { next: "lockstep plan key" },
    });
  });
});

describe("a throw inside a step", () => {
  const throws = async () => Promise.reject(new TypeError("text"));

  it("is an open end where the step has effects, and may have happened where one was announced", async () => {
    for (const [effect, announced, how] of [
      ["none", [], { unsettled: false, touched: false, uncertain: false }],
      ["none", ["a"], { unsettled: false, touched: false, uncertain: false }],
      ["once", [], { unsettled: true, touched: false, uncertain: false }],
      ["once", ["a"], { unsettled: true, touched: true, uncertain: true }],
    ] as const) {
      const s = stage({ announced });
      const step = act(s.log, { id: "a", effect });
      expect(await note(s, step, throws)).toMatchObject({
        is: "failed",
        trouble: { code: "INTERNAL" },
        ...how,
      });
      expect(await wasAnnounced(step, s.ports)).toBe(how.touched);
    }
  });

  it("[P11] is no end at all where our own database is away", async () => {
    const s = stage();
    await expect(note(s, act(s.log, { id: "a" }), async () => Promise.reject(away))).rejects.toBe(away);
    const audit = { append: async () => Promise.reject(away), intendedAt: async () => undefined };
    const t = stage({ ports: { audit } });
    await expect(note(t, act(t.log, { id: "a" }), async () => done)).rejects.toBe(away);
  });
});

describe("[P9] a record that cannot be written", () => {
  const trouble = { code: "AUDIT_UNWRITABLE" };
  const open = { is: "failed", touched: true, unsettled: true, uncertain: true, trouble };
  const later = () => new Promise<void>((go) => setImmediate(go));

  it("stops the run, whatever was done", async () => {
    const audit = { append: async () => Promise.reject(unwritable), intendedAt: async () => undefined };
    const s = stage({ ports: { audit } });
    expect(await note(s, act(s.log, { id: "a" }), async () => done)).toMatchObject(open);
  });

  it("is waited for beside the body, and is nobody's unhandled fault meanwhile", async () => {
    for (const fails of [0, 1]) {
      let n = 0;
      const step = async () => {
        n += 1;
        if (n > fails) throw unwritable;
      };
      const progress = { run: async () => {}, step };
      const s = stage({ ports: { progress } });
      const append = s.ports.audit.append;
      Object.assign(s.ports.audit, { append: async (one: never) => later().then(() => append(one)) });
      expect(await note(s, act(s.log, { id: "a" }), async () => later().then(() => done))).toMatchObject(
        open,
      );
    }
    const s = stage();
    const shown = async (showing: (one: Promise<void>) => void) => {
      showing(Promise.reject(unwritable));
      await later();
      return done;
    };
    expect(await noted(act(s.log, { id: "a" }), around(s), { change }, shown)).toMatchObject(open);
  });
});

it("an entry names run, step, secret, actor and target", () => {
  const s = stage();
  const step = act(s.log, { id: "a", target: () => "the vault" });
  expect(entry(step, s.ports.context({}), "intended", { attempt: 1 })).toEqual({
    action: "secret.rotate.step.intended",
    actor: { name: "kris", assurance: "local user" },
    secret: "key",
    run: "key.rotate.1",
    step: "a",
    context: { target: "the vault", attempt: 1 },
  });
});
