import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Executions } from "./executions.ts";
import type { Session } from "./session.ts";
import { keepWatch, type Watch } from "./takeover.ts";

vi.mock("@dbos-inc/dbos-sdk", () => ({ DBOS: { resumeWorkflows: vi.fn() } }));

const TIMES = { takeoverMs: 150, idleMs: 150, staleMs: 5_000, restartMs: 0 };
/** What the database says of a peer that holds its lock. */
const peer = { frozen: false };
let ended = 0;
let watch: Watch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  Object.assign(peer, { frozen: false });
  ended = 0;
  const ask: Session["ask"] = async (sql) => {
    if (sql.includes("pg_terminate_backend")) ended += 1;
    return sql.includes("AS frozen") ? [{ executor: "peer", free: false, frozen: peer.frozen }] : [];
  };
  const session: Session = { ask, generation: () => 1, heldSince: () => 0, close: async () => {} };
  const executions = { handBack: async () => {}, carriesOut: () => false } as unknown as Executions;
  watch = keepWatch({ executor: "me", kind: "worker" }, session, executions, TIMES, () => {});
});
afterEach(async () => {
  await watch.stop();
  vi.useRealTimers();
});

test("a peer whose heart has stopped is ended", async () => {
  await vi.advanceTimersByTimeAsync(10_000);
  expect(ended).toBe(0);
  peer.frozen = true;
  await vi.advanceTimersByTimeAsync(150);
  expect(ended).toBe(1);
});

test("whoever stood still itself gives its peers the time to beat before it ends them", async () => {
  await vi.advanceTimersByTimeAsync(1_000);
  // The machine sleeps, and all wake at once.
  vi.setSystemTime(Date.now() + 3_600_000);
  peer.frozen = true;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(ended).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ended).toBeGreaterThan(0);
});
