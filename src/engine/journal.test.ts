import { DBOS } from "@dbos-inc/dbos-sdk";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { LockstepError } from "../core/errors.ts";
import type { Execution, Executions } from "./executions.ts";
import { journalOf } from "./journal.ts";
import { sealEntry, serializerOver } from "./sealed.ts";
import { rightSealer } from "./testing/sealers.ts";

vi.mock("@dbos-inc/dbos-sdk", () => ({ DBOS: { runStep: vi.fn(), recv: vi.fn(), isInStep: vi.fn() } }));

const serializer = serializerOver(rightSealer);
/** As the engine gives back what it has stored. */
const stored = async (value: unknown) => serializer.parse((await serializer.stringify(value)) as string);

/** A journal over an engine in memory: what was recorded, and what its mailbox was asked. */
function opened(given: { draining?: boolean; sealer?: typeof rightSealer } = {}) {
  const recorded: string[] = [];
  const waits: unknown[][] = [];
  const stopped: unknown[] = [];
  const execution: Execution = {
    run: "key.rotate.1",
    token: "t1",
    resumed: false,
    inFlight: 0,
    silent: false,
  };
  const executions = {
    draining: () => given.draining ?? false,
    stop: (_execution: Execution, thrown: unknown) => {
      stopped.push(thrown);
      return new Promise<never>(() => {});
    },
    owned: async () => {},
  } as unknown as Executions;
  const mailbox = {
    wait: async (...asked: unknown[]) => void waits.push(asked),
    told: () => {},
    close: () => {},
  };
  vi.mocked(DBOS.runStep).mockImplementation(async (step, config) => {
    recorded.push(config?.name ?? "");
    return stored(await step()) as never;
  });
  const journal = journalOf(execution, executions, mailbox, given.sealer ?? rightSealer);
  return { journal, execution, recorded, waits, stopped };
}

async function settles(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise<boolean>((done) => setImmediate(() => setImmediate(() => done(false))));
  return Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    late,
  ]);
}

beforeEach(() => {
  vi.mocked(DBOS.isInStep).mockReturnValue(false);
  vi.mocked(DBOS.runStep).mockReset();
});

describe("an entry", () => {
  it("[P11] gives what was recorded, a throw as trouble without its foreign text", async () => {
    const { journal, recorded, execution } = opened();
    const during: number[] = [];
    const body = async () => {
      during.push(execution.inFlight);
      return { n: 1 };
    };
    expect(await journal.once("a", body)).toEqual({ n: 1 });
    await expect(journal.once("b", async () => Promise.reject(new TypeError("text")))).rejects.toMatchObject({
      code: "INTERNAL",
      message: expect.not.stringContaining("text"),
    });
    const both = ["c", "d"].map((key) => ({ key, body: async () => key }));
    expect(await journal.round(both)).toEqual(["c", "d"]);
    expect(recorded).toEqual(["a", "b", "c", "d"]);
    expect([during, execution.inFlight]).toEqual([[1], 0]);
  });

  it("[P8] does nothing where the execution is silent, or the process drains", async () => {
    for (const draining of [false, true]) {
      const { journal, execution, recorded } = opened({ draining });
      if (!draining) execution.silent = true;
      expect(await settles(journal.once("a", async () => 1))).toBe(false);
      expect(recorded).toEqual([]);
      expect(execution.silent).toBe(true);
    }
  });

  it("cannot be begun inside another one", async () => {
    const { journal, recorded } = opened();
    vi.mocked(DBOS.isInStep).mockReturnValue(true);
    const inner = journal.once("a", async () => 1);
    await expect(inner).rejects.toThrow(LockstepError);
    await expect(inner).rejects.toThrow("the entry a was begun inside another entry");
    expect(recorded).toEqual([]);
  });

  it("[P11] stops the execution where it cannot be sealed, recorded or trusted, and throws nothing into the run", async () => {
    const fault = new Error("text");
    const unsealed = opened({ sealer: { ...rightSealer, seal: async () => Promise.reject(fault) } });
    expect(await settles(unsealed.journal.once("a", async () => 1))).toBe(false);
    expect(unsealed.stopped).toEqual([fault]);
    for (const fails of [
      () => {
        throw fault;
      },
      async () => Promise.reject(fault),
    ]) {
      const { journal, stopped, execution } = opened();
      vi.mocked(DBOS.runStep).mockImplementation(fails as never);
      expect(await settles(journal.once("a", async () => 1))).toBe(false);
      expect([stopped, execution.inFlight]).toEqual([[fault], 0]);
    }
    const forged = opened();
    vi.mocked(DBOS.runStep).mockImplementation(async () => ({ value: 1 }) as never);
    expect(await settles(forged.journal.once("a", async () => 1))).toBe(false);
    expect(forged.stopped).toMatchObject([{ why: "it was not sealed by Lockstep", entry: "entry/a" }]);
    const moved = opened();
    const other = await sealEntry(rightSealer, "key.rotate.1", "entry/b", { value: 1 });
    vi.mocked(DBOS.runStep).mockImplementation(async () => stored(other) as never);
    expect(await settles(moved.journal.once("a", async () => 1))).toBe(false);
    expect(moved.stopped).toMatchObject([{ why: "it belongs to another run or entry" }]);
  });
});

describe("an answer", () => {
  const until = "2026-11-21T08:30:00.000Z";
  const told = async (value: unknown) =>
    stored(await sealEntry(rightSealer, "key.rotate.1", "message/ask", value));

  it("is waited for until a recorded time, and beyond those that were heard", async () => {
    const { journal, recorded, waits } = opened();
    vi.mocked(DBOS.recv).mockResolvedValueOnce((await told("yes")) as never);
    vi.mocked(DBOS.recv).mockResolvedValueOnce(null as never);
    vi.mocked(DBOS.recv).mockResolvedValueOnce((await told("again")) as never);
    expect(await journal.answer("ask", until)).toBe("yes");
    expect(await journal.answer("ask", until)).toBeUndefined();
    expect(await journal.answer("ask", until)).toBe("again");
    expect(recorded).toEqual(["ask/until", "ask/until", "ask/until"]);
    const at = Date.parse(until);
    expect(waits).toEqual([0, 1, 1].map((had) => ["key.rotate.1", "ask", had, at]));
  });
});
