import { describe, expect, it } from "vitest";
import { LockstepError, type Trouble } from "../core/errors.ts";
import type { Channel, DueNotice, Outbox } from "../core/notice.ts";
import type { Outcome } from "../core/outcome.ts";
import { startDelivery } from "./deliver.ts";

const TROUBLE: Trouble = { code: "VENDOR_ERROR", message: "m", because: "b", next: "n" };
const MINUTE = 60_000;
/** Longer than any test: what is sent is sent because it was due at the start, because of a ring, or at the end. */
const NEVER = 1_000_000_000;

function notice(event: string, more: Partial<DueNotice> = {}): DueNotice {
  const body = { kind: "held", secret: "s", says: "a", state: "b", next: "c" } as const;
  const at = "2026-11-21T08:00:00.000Z";
  return { event, channel: "slack", address: "U1", body, at, attempt: 1, unanswered: 0, ...more };
}

/** An outbox of these messages, that notes what becomes of them. */
function outbox(due: DueNotice[]) {
  const ended: unknown[] = [];
  const box: Outbox = {
    take: async (channel) => {
      const at = due.findIndex((one) => one.channel === channel);
      return at < 0 ? undefined : due.splice(at, 1)[0];
    },
    sent: async (one) => void ended.push(["sent", one.event]),
    again: async (one, { afterMs, unanswered }) => void ended.push(["again", one.event, afterMs, unanswered]),
    unsure: async (one) => void ended.push(["unsure", one.event]),
  };
  return { box, ended, due };
}

function channelThat(ends: (one: DueNotice) => Outcome<void> | Promise<Outcome<void>>): Channel {
  return { send: async (one) => ends(one), check: async () => ({ is: "done", value: undefined }) };
}

const DONE = { is: "done", value: undefined } as const;

/** Delivers these once, and tells what became of them. */
async function delivered(due: DueNotice[], ends: Parameters<typeof channelThat>[0]) {
  const { box, ended } = outbox(due);
  const lines: string[] = [];
  const log = ({ msg }: { msg: string }) => void lines.push(msg);
  const delivery = startDelivery(box, { slack: channelThat(ends) }, { log, pollMs: NEVER });
  await delivery.close(NEVER);
  return { ended, lines };
}

describe("delivery", () => {
  it("sends what is due, and notes that it has arrived", async () => {
    const { ended, lines } = await delivered([notice("a"), notice("b")], () => DONE);
    expect(ended).toEqual([
      ["sent", "a"],
      ["sent", "b"],
    ]);
    expect(lines).toEqual([]);
  });

  it("waits a minute, twice as long each time, an hour at most, and longer where Slack asks for it", async () => {
    const attempts = [1, 2, 3, 6, 7, 100];
    const due = attempts.map((attempt) => notice(`a${attempt}`, { attempt }));
    const { ended } = await delivered(due, () => ({ is: "refused", trouble: TROUBLE }));
    expect(ended).toEqual(
      [1, 2, 4, 32, 60, 60].map((n, i) => ["again", `a${attempts[i]}`, n * MINUTE, false]),
    );
    const asked = await delivered([notice("a"), notice("b")], (one) => ({
      is: "retryable",
      trouble: TROUBLE,
      afterMs: one.event === "a" ? 90 * MINUTE : 5,
    }));
    expect(asked.ended).toEqual([
      ["again", "a", 90 * MINUTE, false],
      ["again", "b", MINUTE, false],
    ]);
  });

  it("tells of a failure once a message, not each time", async () => {
    const due = [notice("a"), notice("a", { attempt: 2 }), notice("a", { attempt: 3 })];
    const { lines } = await delivered(due, () => ({ is: "refused", trouble: TROUBLE }));
    expect(lines).toEqual(["The slack message about s is not delivered: VENDOR_ERROR  m; again in 60 s"]);
  });

  it("leaves a message that was sent five times without an answer", async () => {
    const due = [0, 3, 4].map((unanswered) =>
      notice(`a${unanswered}`, { attempt: unanswered + 1, unanswered }),
    );
    const { ended } = await delivered(due, () => ({ is: "unknown", trouble: TROUBLE }));
    expect(ended).toEqual([
      ["again", "a0", MINUTE, true],
      ["again", "a3", 8 * MINUTE, true],
      ["unsure", "a4"],
    ]);
  });

  it("does not hold up one channel for another", async () => {
    const { box, ended } = outbox([notice("a", { channel: "email" }), notice("b")]);
    const hanging = Promise.withResolvers<Outcome<void>>();
    const arrived = Promise.withResolvers<void>();
    const email = channelThat(() => hanging.promise);
    const slack = channelThat(() => {
      arrived.resolve();
      return DONE;
    });
    const delivery = startDelivery(box, { email, slack }, { log: () => {}, pollMs: NEVER });
    await arrived.promise;
    hanging.resolve(DONE);
    await delivery.close(NEVER);
    expect(ended).toEqual(
      expect.arrayContaining([
        ["sent", "a"],
        ["sent", "b"],
      ]),
    );
  });

  it("looks at once when it is woken, also by what came while it was looking", async () => {
    const { box, ended, due } = outbox([]);
    const idle = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let looks = 0;
    const watched: Outbox = {
      ...box,
      take: async (channel) => {
        const found = await box.take(channel, 0);
        looks += 1;
        if (looks === 1) {
          due.push(notice("a"));
          delivery.wake();
        }
        if (!found) idle.shift()?.resolve();
        return found;
      },
    };
    const second = idle[1]?.promise;
    const slack = channelThat(() => DONE);
    const delivery = startDelivery(watched, { slack }, { log: () => {}, pollMs: NEVER });
    await second;
    expect(ended).toEqual([["sent", "a"]]);
    const third = Promise.withResolvers<void>();
    idle.push(third);
    due.push(notice("b"));
    delivery.wake();
    await third.promise;
    expect(ended).toEqual([
      ["sent", "a"],
      ["sent", "b"],
    ]);
    await delivery.close(NEVER);
  });

  it("ends without waiting for a channel that hangs, and then touches nothing any more", async () => {
    const { box, ended } = outbox([notice("a"), notice("b")]);
    const hanging = Promise.withResolvers<Outcome<void>>();
    const slack = channelThat(() => hanging.promise);
    const delivery = startDelivery(box, { slack }, { log: () => {}, pollMs: NEVER });
    await delivery.close(1);
    hanging.resolve(DONE);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toEqual([]);
  });

  it("goes on after an outage of the database, without a word, and after any other fault with one", async () => {
    const { box, ended, due } = outbox([]);
    const faults = [
      new LockstepError({ ...TROUBLE, code: "DATABASE_UNREACHABLE" }),
      new TypeError("foreign words"),
    ];
    const failing: Outbox = {
      ...box,
      take: async (...args) => {
        const fault = faults.shift();
        if (fault) throw fault;
        return box.take(...args);
      },
    };
    const lines: string[] = [];
    const told = Promise.withResolvers<void>();
    const log = ({ msg }: { msg: string }) => {
      lines.push(msg);
      told.resolve();
    };
    const delivery = startDelivery(failing, { slack: channelThat(() => DONE) }, { log, pollMs: NEVER });
    delivery.wake();
    await told.promise;
    due.push(notice("a"));
    await delivery.close(NEVER);
    expect(lines).toEqual(["slack: Something unexpected happened: TypeError"]);
    expect(ended).toEqual([["sent", "a"]]);
  });
});
