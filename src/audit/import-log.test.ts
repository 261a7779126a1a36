import { describe, expect, it } from "vitest";
import { readRotationLog } from "./import-log.ts";
import { rotationMarkdown } from "./rotation-log.ts";

const SECRET = "heroku-api-key";
const HEAD = "| Date (UTC) | Actor | Old auth description | New auth ID | Notes |\n|---|---|---|---|---|";
const credential = (id: string, description: string) => ({
  id,
  description,
  scopes: [],
  createdAt: "",
  account: "",
});

describe("a rotation log that was kept by hand", () => {
  it("[X-11] reads the SOP's row: code marks, an id in brackets, pipes that belong to the text", () => {
    const row =
      "| 2026-07-01 | sre-agent (operator-authorized, issue #251) | raxx-automation: dispatch + git push (rotated 2026-05-02) (b1e6320e) | `85f3a15a` (`raxx-ci-rotation-2026-07`) | Orphan 558f0e9d \\| also revoked. |";
    expect(readRotationLog(`# Log\n\n${HEAD}\n${row}\n\nAfterwards.`, SECRET)).toEqual({
      unread: [],
      others: 0,
      rows: [
        {
          at: "2026-07-01T00:00:00.000Z",
          actor: "sre-agent (operator-authorized, issue #251)",
          old: { id: "b1e6320e", description: "raxx-automation: dispatch + git push (rotated 2026-05-02)" },
          new: { id: "85f3a15a", description: "raxx-ci-rotation-2026-07" },
          notes: "Orphan 558f0e9d | also revoked.",
        },
      ],
    });
  });

  it("[X-11] reads a row that an export has broken over lines, and no row of another table", () => {
    const text = [
      "| Authorization ID (prefix) | Description | Scope | Status |",
      "| 85f3a15a | raxx-ci-rotation-2026-07 | global | Current |",
      "| 2026-07-01 | kris | old (b1e6320e) |",
      "`85f3a15a` (`raxx-ci-rotation-2026-07`) |",
      "Orphan also revoked. |",
      "| 2026-04-02 | kris | older | 0123abcd | |",
    ].join("\n");
    const { rows, unread } = readRotationLog(text, SECRET);
    expect(unread).toEqual([]);
    expect(rows.map(({ at, new: { id }, notes }) => [at.slice(0, 10), id, notes])).toEqual([
      ["2026-07-01", "85f3a15a", "Orphan also revoked."],
      ["2026-04-02", "0123abcd", ""],
    ]);
  });

  it("[X-11] reads what we write", () => {
    const written = rotationMarkdown([
      {
        secret: SECRET,
        at: "2026-11-21T08:30:00.000Z",
        actor: "a|b",
        old: credential("aaaaaaaa-1", "<old> & *starred* [one]"),
        new: credential("bbbbbbbb-2", "new\\one"),
        notes: "",
      },
    ]);
    expect(readRotationLog(written, SECRET).rows).toEqual([
      {
        at: "2026-11-21T00:00:00.000Z",
        actor: "a|b",
        old: { id: "aaaaaaaa", description: "<old> & *starred* [one]" },
        new: { id: "bbbbbbbb", description: "new\\one" },
        notes: "",
      },
    ]);
  });

  it("[X-11] reads of what we write for several secrets the rows of the one", () => {
    const of = (secret: string, id: string) => {
      const at = "2026-11-21T08:30:00.000Z";
      return { secret, at, actor: "kris", old: credential("", "old"), new: credential(id, "new"), notes: "" };
    };
    const written = rotationMarkdown([
      of(SECRET, "aaaaaaaa"),
      of("stripe-key", "bbbbbbbb"),
      of(SECRET, "cccccccc"),
    ]);
    const ids = (log: ReturnType<typeof readRotationLog>) => log.rows.map((one) => one.new.id);
    const own = readRotationLog(written, SECRET);
    expect([ids(own), own.others]).toEqual([["aaaaaaaa", "cccccccc"], 1]);
    const other = readRotationLog(
      `${written}\n## Older\n\n${HEAD}\n| 2026-04-02 | kris | a | dddddddd | |`,
      "stripe-key",
    );
    expect([ids(other), other.others]).toEqual([["bbbbbbbb", "dddddddd"], 2]);
  });

  it.each(["| 2026-13-41 | kris | a | b | c |", "| 2026-07-01 | kris | only three |"])(
    "[X-11] says which row it cannot read: %s",
    (row) => {
      expect(readRotationLog(`${HEAD}\n${row}`, SECRET)).toEqual({ rows: [], unread: [row], others: 0 });
    },
  );
});
