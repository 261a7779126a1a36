import { describe, expect, it } from "vitest";
import type { AuditRecord } from "../db/audit-log.ts";
import { rotationCells, rotationMarkdown } from "./rotation-log.ts";
import { dueOf, lastRotated, nextDue } from "./schedule.ts";
import { actorText, canonicalEntry, contextText, trailLine } from "./trail.ts";

const at = "2026-07-01T09:15:00.000Z";
const made = { scopes: ["global"], createdAt: at, account: "a@example.com" };
/** The row that stands in the SOP. */
const sop = {
  secret: "heroku-api-key",
  at,
  actor: "sre-agent (operator-authorized, issue #251)",
  old: {
    ...made,
    id: "b1e6320e-0000",
    description: "raxx-automation: dispatch + git push (rotated 2026-05-02)",
  },
  new: { ...made, id: "85f3a15a-0000", description: "raxx-ci-rotation-2026-07" },
  notes: "Vault/session drift detected",
};

describe("schedule", () => {
  it("[HK-01] computes last rotated and next due from the rotations", () => {
    const rotations = [{ at: "2026-04-02T00:00:00.000Z" }, { at }, { at: "2026-01-05T00:00:00.000Z" }];
    expect(lastRotated(rotations)).toBe(at);
    expect(lastRotated([])).toBeUndefined();
    expect(nextDue(at, 90)).toBe("2026-09-29T09:15:00.000Z");
  });

  it("[HK-10] moves both when a rotation is added", () => {
    const later = "2026-09-20T12:00:00.000Z";
    expect(dueOf(lastRotated([{ at }, { at: later }]), 90, later)).toEqual({
      is: "later",
      lastRotated: later,
      nextDue: "2026-12-19T12:00:00.000Z",
      days: 90,
    });
  });

  it("[HK-01] says never, later, soon one week before, and overdue from the moment itself", () => {
    const due = Date.parse(nextDue(at, 90));
    const judged = (ms: number): unknown => {
      const found = dueOf(at, 90, new Date(due + ms).toISOString());
      return found.is === "never" ? found.is : [found.is, found.days];
    };
    const day = 86_400_000;
    expect(dueOf(undefined, 90, at)).toEqual({ is: "never" });
    expect(judged(-8 * day)).toEqual(["later", 8]);
    expect(judged(-7 * day)).toEqual(["soon", 7]);
    expect(judged(-1)).toEqual(["soon", 0]);
    expect(judged(0)).toEqual(["overdue", 0]);
    expect(judged(3 * day)).toEqual(["overdue", -3]);
  });
});

describe("rotation log", () => {
  it("[HK-10] has the SOP's columns and cells", () => {
    expect(rotationMarkdown([sop])).toBe(
      [
        "## Rotation log of heroku-api-key",
        "",
        "| Date (UTC) | Actor | Old auth description (id prefix) | New auth ID (description) | Notes |",
        "| --- | --- | --- | --- | --- |",
        "| 2026-07-01 | sre-agent (operator-authorized, issue #251) | raxx-automation: dispatch + git push (rotated 2026-05-02) (b1e6320e) | 85f3a15a (raxx-ci-rotation-2026-07) | Vault/session drift detected |",
        "",
      ].join("\n"),
    );
  });

  it("[HK-10] has a table of its own for each secret, under its name", () => {
    const other = { ...sop, secret: "stripe-key" };
    const lines = rotationMarkdown([sop, other, sop]).split("\n");
    const titles = lines.filter((line) => line.startsWith("#"));
    expect(titles).toEqual(["## Rotation log of heroku-api-key", "## Rotation log of stripe-key"]);
    const at = lines.indexOf(titles[1] ?? "");
    const rows = (of: readonly string[]) => of.filter((line) => line.startsWith("| 2026-07-01 |")).length;
    expect([rows(lines.slice(0, at)), rows(lines.slice(at))]).toEqual([2, 1]);
    expect(rotationMarkdown([])).toBe("");
  });

  it("lets no description break out of its cell or of its line", () => {
    const evil = { ...sop.old, description: "a | b\n| [c](http://x) <img> `d` \\ \u001b[31m\u202e" };
    const [, , , , line = "", ...rest] = rotationMarkdown([{ ...sop, old: evil }]).split("\n");
    expect(rest).toEqual([""]);
    expect(line).toContain("a \\| b \\| \\[c\\](http://x) &lt;img> \\`d\\` \\\\ \\[31m (b1e6320e)");
    expect(rotationCells({ ...sop, old: evil })[2]).toBe(
      "a | b | [c](http://x) <img> `d` \\ [31m (b1e6320e)",
    );
  });

  it("stays readable without a description", () => {
    const bare = { ...sop, old: { ...sop.old, description: "" }, new: { ...sop.new, description: " " } };
    expect(rotationCells(bare).slice(2, 4)).toEqual(["b1e6320e", "85f3a15a"]);
  });
});

describe("trail", () => {
  const record: AuditRecord = {
    seq: 7,
    at,
    action: "secret.rotate.mint.intended",
    actor: { name: "kris", assurance: "stepped up" },
    secret: "heroku-api-key",
    run: "heroku-api-key.rotate.1",
    step: "mint",
    context: { tag: "ls-abc", account: "a b", n: 2, gone: null, deep: { b: 1, a: [true] } },
  };

  it("[X-04] puts time, actor with assurance, action and context into words", () => {
    expect(trailLine(record)).toEqual({
      seq: 7,
      at: "2026-07-01 09:15:00 UTC",
      actor: "kris (stepped up)",
      action: "secret.rotate.mint.intended",
      about: "heroku-api-key.rotate.1 mint",
      says: 'account="a b" deep={"b":1,"a":[true]} n=2 tag=ls-abc',
    });
  });

  it("[X-03] states the assurance of each actor, and lets no text of others steer the terminal", () => {
    expect(actorText({ name: "evil\u001b[2J\nname", assurance: "local user" })).toBe(
      "evil[2J name (local user)",
    );
    expect(contextText({ "a\nb": 'x\u001b]0;t\u0007 y="' })).toBe('a b="x]0;t y=\\""');
  });

  it("has the same bytes whatever the order of names", () => {
    const { context, ...rest } = record;
    const turned = { context: Object.fromEntries(Object.entries(context).reverse()), ...rest };
    expect(canonicalEntry(turned)).toBe(canonicalEntry(record));
    expect(canonicalEntry(record)).toContain('"deep":{"a":[true],"b":1}');
  });
});
