/**
 * Loaded before the command line of a child (`node --import`): ends or freezes the process at one exact moment of one
 * journal entry of one run. The program itself knows nothing of it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import path from "node:path";

/** Where a process is struck. The file `<run>.orders` holds those that are left, oldest first; `<run>.hits` what was done. */
export interface Order {
  /** `mint/act`: the journal entry, on its first attempt. */
  readonly entry: string;
  /**
   * `before`: its body has not begun. `sending`: a write is about to leave. `inside`: the vendor has done what was asked
   * and the answer has arrived; where the body asks nothing, or writes nothing though it may, its work is done and not
   * yet recorded. `returned`: the same moment for every body. `after`: recorded, and nothing further begun.
   */
  readonly when: "before" | "sending" | "inside" | "returned" | "after";
  /** `inside` means after a write, not after the first call. */
  readonly write: boolean;
  readonly signal: "SIGKILL" | "SIGSTOP";
  /** A file whose first line is the id of the process to strike instead: the database. */
  readonly victim?: string;
}

type Moment = Order["when"] | "called" | "wrote";

/** A strike that was carried out. */
export interface Hit extends Pick<Order, "entry" | "when"> {
  /** What had just happened; for `inside` it tells which of its meanings applied. */
  readonly moment: Moment;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Place {
  readonly run: string;
  readonly entry: string;
}

const folder = process.env["LOCKSTEP_CRASH"] ?? "";
const here = new AsyncLocalStorage<Place>();

function strike(at: Place, moment: Moment): void {
  const file = path.join(folder, `${at.run}.orders`);
  if (!existsSync(file)) return;
  const [order, ...rest] = JSON.parse(readFileSync(file, "utf8")) as Order[];
  if (!order || order.entry !== at.entry.replace(/\/1$/, "") || !meant(order, moment)) return;
  // By rename, so that no process reads half a file; the one that takes over finds what is left for it.
  writeFileSync(`${file}.left`, JSON.stringify(rest));
  renameSync(`${file}.left`, file);
  const hit: Hit = { entry: order.entry, when: order.when, moment, pid: process.pid, at: Date.now() };
  appendFileSync(path.join(folder, `${at.run}.hits`), `${JSON.stringify(hit)}\n`);
  if (order.victim === undefined) process.kill(process.pid, order.signal);
  else {
    process.kill(Number.parseInt(readFileSync(order.victim, "utf8"), 10), order.signal);
    // Its children follow within milliseconds; the next statement of this process shall find nobody.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
}

function meant({ when, write }: Order, moment: Moment): boolean {
  if (when !== "inside") return when === moment;
  return moment === "wrote" || moment === "returned" || (moment === "called" && !write);
}

function isWrite(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): boolean {
  return (init?.method ?? "GET") !== "GET" && !String(input).includes("/auth/");
}

enableCompileCache();
const { DBOS } = await import("@dbos-inc/dbos-sdk");
const runStep = DBOS.runStep.bind(DBOS);
DBOS.runStep = <T>(body: () => Promise<T>, config?: Parameters<typeof DBOS.runStep>[1]): Promise<T> => {
  const at = { run: DBOS.workflowID ?? "", entry: config?.name ?? "" };
  const recorded = runStep(
    () =>
      here.run(at, async () => {
        strike(at, "before");
        const answer = await body();
        strike(at, "returned");
        return answer;
      }),
    config,
  );
  return recorded.then((answer) => {
    strike(at, "after");
    return answer;
  });
};

const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const at = here.getStore();
  if (at === undefined) return send(input, init);
  const write = isWrite(input, init);
  // A connection of its own for each request: one kept alive would break while its process is frozen, and hide what it does.
  const headers = new Headers(init?.headers);
  headers.set("connection", "close");
  if (write) strike(at, "sending");
  const reply = await send(input, { ...init, headers });
  strike(at, write ? "wrote" : "called");
  return reply;
};
