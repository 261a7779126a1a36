import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Trouble } from "../core/errors.ts";
import type { Notice, NoticeBody } from "../core/notice.ts";
import { Secret } from "../core/secret-value.ts";
import { alphanumeric } from "../sandbox/random.ts";
import { openDatabase } from "./connect.ts";
import type { Database } from "./database.ts";
import { fresh, someRun, type TestDatabase, testDatabase } from "./harness.ts";
import { addNotices as addOne, outboxIn, outboxState } from "./notices.ts";
import { progressIn } from "./progress.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());
beforeEach(() => test.db.query("DELETE FROM lockstep.notice"));

const TROUBLE: Trouble = { code: "VENDOR_ERROR", message: "m", because: "b", next: "n" };
const BODY: NoticeBody = { kind: "held", secret: "s", says: "a", state: "b", next: "c" };
const LEASE = 60_000;

function notice(more: Partial<Notice> = {}): Notice {
  return { event: fresh("event"), channel: "slack", address: "U1", body: BODY, ...more };
}

async function addNotices(db: Database, notices: readonly Notice[]): Promise<void> {
  for (const { event, body, ...recipient } of notices) await addOne(db, event, body, [recipient]);
}
const box = () => outboxIn(test.db);
/** As if so much time had passed for this message. */
const age = (event: string, interval: string) =>
  test.db.query(
    `UPDATE lockstep.notice SET next_at = next_at - $2::interval, at = at - $2::interval WHERE event = $1`,
    [event, interval],
  );
const rowOf = async (event: string) =>
  (
    await test.db.query<{ ending: string | null; attempts: number; unanswered: number; next_ms: number }>(
      `SELECT ending, attempts, unanswered, extract(epoch FROM next_at)::float8 * 1000 AS next_ms
       FROM lockstep.notice WHERE event = $1`,
      [event],
    )
  )[0];

describe("the outbox", () => {
  it("[X-05] holds one message for an event, a channel and an address, however often it is told", async () => {
    const one = notice();
    const all = [
      one,
      { ...one, address: "U2" },
      { ...one, channel: "email", address: "a@example.com" } as const,
    ];
    await addNotices(test.db, all);
    await Promise.all([addNotices(test.db, all), addNotices(test.db, all)]);
    const taken = [await box().take("slack", LEASE), await box().take("slack", LEASE)];
    expect(taken.map((each) => each?.address).sort()).toEqual(["U1", "U2"]);
    expect(taken[0]).toMatchObject({ event: one.event, body: BODY, attempt: 1, unanswered: 0 });
    expect(await box().take("slack", LEASE)).toBeUndefined();
    const mail = await box().take("email", LEASE);
    if (!mail) throw new Error("nothing to take");
    await box().sent(mail);
    // Also after it was sent.
    await addNotices(test.db, all);
    expect(await box().take("email", LEASE)).toBeUndefined();
  });

  it("[X-05] gives a message to one of many takers, of several processes' pools", async () => {
    const events = Array.from({ length: 5 }, () => notice());
    await addNotices(test.db, events);
    const other = await openDatabase(test.url);
    const takers = Array.from({ length: 12 }, (_, i) => outboxIn(i % 2 ? test.db : other));
    const taken = await Promise.all(takers.map((each) => each.take("slack", LEASE)));
    const found = taken.flatMap((each) => (each ? [each.event] : []));
    expect(new Set(found).size).toBe(found.length);
    // Whoever met a row that another was just taking has come away with another one, or with nothing.
    for (let one = await box().take("slack", LEASE); one; one = await box().take("slack", LEASE))
      found.push(one.event);
    expect(found.sort()).toEqual(events.map((one) => one.event).sort());
    await other.close();
  });

  it("gives a message to the next when its taker died, and believes either that it has arrived", async () => {
    const one = notice();
    await addNotices(test.db, [one]);
    const first = await box().take("slack", LEASE);
    expect(await box().take("slack", LEASE)).toBeUndefined();
    await age(one.event, "2 minutes");
    const second = await box().take("slack", LEASE);
    expect(second).toMatchObject({ event: one.event, attempt: 2 });
    if (!first || !second) throw new Error("nothing to take");
    // The first, who was only slow, changes nothing of what the second does.
    await box().again(first, { trouble: TROUBLE, afterMs: 1, unanswered: true });
    expect(await rowOf(one.event)).toMatchObject({ ending: null, attempts: 2, unanswered: 0 });
    await box().sent(first);
    await box().again(second, { trouble: TROUBLE, afterMs: 1, unanswered: true });
    expect(await rowOf(one.event)).toMatchObject({ ending: "sent" });
  });

  it("gives a message that failed again after the wait, and not before", async () => {
    const one = notice();
    await addNotices(test.db, [one]);
    const first = await box().take("slack", LEASE);
    if (!first) throw new Error("nothing to take");
    const before = Date.now();
    await box().again(first, { trouble: TROUBLE, afterMs: 120_000, unanswered: true });
    const next = (await rowOf(one.event))?.next_ms;
    expect(next).toBeGreaterThanOrEqual(before + 120_000 - 1);
    expect(next).toBeLessThanOrEqual(Date.now() + 120_000 + 1);
    expect(await box().take("slack", LEASE)).toBeUndefined();
    await age(one.event, "3 minutes");
    expect(await box().take("slack", LEASE)).toMatchObject({ attempt: 2, unanswered: 1 });
  });

  it("[X-05] gives up after 7 days, also of a channel that nobody serves any more, and tells of it for 30", async () => {
    const [one, left, young] = [notice(), notice({ channel: "email" }), notice()];
    await addNotices(test.db, [one, left, young]);
    for (const { event } of [one, left]) await age(event, "7 days 1 minute");
    await age(young.event, "6 days 23 hours");
    expect(await box().take("slack", LEASE)).toMatchObject({ event: young.event });
    expect(await rowOf(one.event)).toMatchObject({ ending: "given up" });
    const { lost } = await outboxState(test.db);
    expect(lost.map((each) => each.event)).toEqual(expect.arrayContaining([one.event, left.event]));
    await test.db.query(
      "UPDATE lockstep.notice SET ended_at = ended_at - interval '31 days' WHERE ending = 'given up'",
    );
    expect((await outboxState(test.db)).lost).toEqual([]);
  });

  it("tells of what was sent without an answer, with the reason", async () => {
    const one = notice();
    await addNotices(test.db, [one]);
    const taken = await box().take("slack", LEASE);
    if (!taken) throw new Error("nothing to take");
    expect((await outboxState(test.db)).waiting).toBe(1);
    await box().unsure(taken, TROUBLE);
    expect(await outboxState(test.db)).toMatchObject({
      waiting: 0,
      lost: [{ event: one.event, ending: "unsure", trouble: TROUBLE }],
    });
  });

  it("skips a reminder of what was decided meanwhile, and nothing else", async () => {
    const run = await someRun(test.db);
    const about = (kind: NoticeBody["kind"], event: string) =>
      notice({ event, body: { ...BODY, kind, run } });
    await progressIn(test.db).run(run, { status: "held", question: "decision/store/1", trouble: TROUBLE });
    await addNotices(test.db, [
      about("reminder", `${run}/decision/store/1/1`),
      about("reminder", `${run}/decision/mint/1/1`),
      about("held", `${run}/decision/mint/1`),
    ]);
    const events = [await box().take("slack", LEASE), await box().take("slack", LEASE)].map(
      (one) => one?.event,
    );
    expect(events.sort()).toEqual([`${run}/decision/mint/1`, `${run}/decision/store/1/1`]);
    expect(await box().take("slack", LEASE)).toBeUndefined();
    expect(await rowOf(`${run}/decision/mint/1/1`)).toMatchObject({ ending: "skipped" });
    await addNotices(test.db, [about("reminder", `${run}/decision/store/1/2`)]);
    await progressIn(test.db).run(run, { status: "running" });
    expect(await box().take("slack", LEASE)).toBeUndefined();
    expect(await rowOf(`${run}/decision/store/1/2`)).toMatchObject({ ending: "skipped" });
  });

  it("keeps the environment, also where a vendor's variable holds the same word", async () => {
    const word = Secret.of("production");
    await addNotices(test.db, [notice({ body: { ...BODY, environment: "production" } })]);
    expect((await box().take("slack", LEASE))?.body.environment).toBe("production");
    expect(word.equals(Secret.of("production"))).toBe(true);
  });

  it("[X-05] keeps no value that a message was made with", async () => {
    const planted = alphanumeric(randomBytes, 30);
    const kept = Secret.of(planted);
    const one = notice({ body: { ...BODY, says: `the vault said ${planted}`, next: planted } });
    await addNotices(test.db, [one]);
    const taken = await box().take("slack", LEASE);
    expect(taken?.body).toMatchObject({ says: "the vault said [secret]", next: "[secret]" });
    if (!taken) throw new Error("nothing to take");
    const trouble = { ...TROUBLE, message: planted };
    await box().again(taken, { trouble, afterMs: 1, unanswered: false });
    const rows = await test.db.query("SELECT notice::text AS all FROM lockstep.notice WHERE event = $1", [
      one.event,
    ]);
    expect(JSON.stringify(rows)).not.toContain(planted);
    expect(kept.equals(Secret.of(planted))).toBe(true);
  });
});
