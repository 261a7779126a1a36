import { describe, expect, it } from "vitest";
import { done } from "../../core/outcome.ts";
import type { CopySnapshot } from "../../core/snapshot.ts";
import type { Step } from "../../core/step.ts";
import { lastWrite, receiptOf } from "./receipt.ts";
import { restore, restoreVault } from "./restore.ts";
import { AT, copy, FACTS, holding, notDone, only, refuses, scene } from "./testing/scene.ts";

const byHand = { command: [], lines: [] };
const stepOf = (place: CopySnapshot): Step => restore(place).step;
const answer = { by: { name: "kris", assurance: "local user" }, at: AT } as const;

describe("[X-14] the old value is put back into a copy", () => {
  it("unless a copy that can be read holds it, and was never begun to be written: a read may be older than our write", async () => {
    const look = (token: string, announced: readonly string[], place = copy("app")) => {
      const s = scene({ stores: { app: { observe: async () => holding({ token }) } }, announced });
      return stepOf(place).looks?.(s.c, FACTS);
    };
    const present = { is: "present", value: { wrote: false, fingerprints: { token: "old" } } };
    expect(await look("old", [])).toMatchObject(present);
    expect(await look("new", [])).toEqual({ is: "absent" });
    expect(await look("old", ["propagate/app"])).toEqual({ is: "absent" });
    // What a person has written, or says is done, is read.
    expect(await look("old", ["propagate/app"], copy("app", { byHand }))).toMatchObject(present);
    const s = scene({ stores: { app: { observe: async () => holding({ token: "old" }) } } });
    expect(await stepOf(copy("app")).settles?.(s.c, FACTS, { choice: "settle" })).toMatchObject(present);
  });

  it("whatever is read there; where the write is refused, what is read has to do", async () => {
    const write = (place: CopySnapshot, token: string) =>
      stepOf(place).does(
        scene({
          stores: {
            app: {
              write: async () => refuses("VENDOR_PERMISSION"),
              observe: async () => holding({ token }),
            },
          },
        }).c,
        FACTS,
      );
    expect(await write(copy("app"), "old")).toMatchObject({ is: "done", value: { wrote: false } });
    for (const [place, token] of [
      [copy("app"), "new"],
      [copy("app", { read: false }), "old"],
    ] as const)
      expect(await write(place, token)).toMatchObject({
        is: "refused",
        trouble: { code: "VENDOR_PERMISSION" },
      });
  });

  it("where it cannot be read: as soon as this run has begun to write it", async () => {
    const ci = copy("ci", { read: false });
    const blind = { observe: async () => done({ at: AT, present: true, changedAt: AT }) };
    const look = (announced: readonly string[], seen: object = blind, changed: object = { ci: AT }) => {
      const facts = { ...FACTS, checked: { ...FACTS.checked, changed } } as typeof FACTS;
      return stepOf(ci).looks?.(scene({ announced, stores: { ci: seen } }).c, facts);
    };
    expect(await look(["propagate/ci"])).toEqual({ is: "absent" });
    expect(await look(["propagate/app"])).toMatchObject({
      is: "present",
      value: { copy: "ci", wrote: false },
    });
    expect(await look([], { observe: async () => notDone })).toEqual(notDone);
    // Changed since the run looked first, or nobody knows: a database that was restored may have forgotten our write.
    for (const changed of [{ ci: "2026-11-21T08:00:00.000Z" }, {}])
      expect(await look([], blind, changed)).toEqual({ is: "absent" });
    expect(await look([], { observe: async () => done({ at: AT, present: true }) }, {})).toEqual({
      is: "absent",
    });
  });

  it("by us, or by a person whose change the place itself shows", async () => {
    const s = scene();
    await stepOf(copy("app")).does(s.c, FACTS);
    expect(s.log).toEqual(["write app o"]);
    const place = copy("app", { byHand });
    const step = stepOf(place);
    const act = (
      is: "done" | "declined",
      asked?: string,
      seen = done({ at: AT, present: true, changedAt: AT }),
    ) =>
      step.does(
        scene({ announced: ["propagate/app"], stores: { app: { observe: async () => seen } } }).c,
        FACTS,
        {
          ...answer,
          is,
          ...(asked && { asked: { at: asked } }),
        },
      );
    expect(await act("declined")).toMatchObject({ is: "refused", trouble: { code: "OPERATOR_DECLINED" } });
    // GitHub tells the second alone: whoever is quick has written in that of the question.
    for (const asked of [AT, "2026-11-21T08:30:00.999Z"])
      expect(await act("done", asked)).toMatchObject({ is: "done", value: { wrote: true } });
    // The write of the way there, be it a moment before.
    for (const asked of ["2026-11-21T08:30:01.000Z", "2026-11-21T08:31:00.000Z"])
      expect(await act("done", asked)).toMatchObject({
        is: "refused",
        trouble: {
          code: "ANSWER_REFUSED",
          message: expect.stringContaining("before you were asked for it"),
        },
      });
    expect(
      step.asks?.(scene().c.snapshot, FACTS, { tag: "tag", history: { uncertain: false, requests: [] } }),
    ).toMatchObject({ kind: "carry", value: "old" });
    expect(stepOf(copy("app")).asks).toBeUndefined();
  });
});

describe("[P1] the old value is put back into the vault", () => {
  const step = only(restoreVault(copy("vault")));

  it("unless it holds it; what is not seen is not there", async () => {
    const look = (observe: () => Promise<ReturnType<typeof holding>>) =>
      step.looks?.(scene({ vault: { observe } }).c, FACTS);
    expect(await look(async () => holding({ token: "old" }))).toMatchObject({
      is: "present",
      value: { copy: "vault" },
    });
    expect(await look(async () => holding({ token: "new" }))).toEqual({ is: "absent" });
    expect(await look(async () => done({ at: AT, present: false }))).toEqual({ is: "absent" });
    expect(await look(async () => notDone)).toEqual(notDone);
  });

  it("and whatever is read there once it may have been written: by a person's word alone it is", async () => {
    const s = scene({ vault: { observe: async () => holding({ token: "old" }) }, announced: ["store"] });
    expect(await step.looks?.(s.c, FACTS)).toEqual({ is: "absent" });
    expect(await step.settles?.(s.c, FACTS, { choice: "settle" })).toMatchObject({ is: "present" });
  });
});

describe("a receipt of what was found", () => {
  it("[P2] says when the place changed and which version it has, where the place says so", () => {
    const fingerprints = { token: "old" };
    const bare = { copy: "app", at: AT, fingerprints, wrote: false };
    expect(receiptOf("app", { at: AT, present: true }, fingerprints)).toStrictEqual(bare);
    expect(
      receiptOf("app", { at: AT, present: true, version: "7", changedAt: AT }, fingerprints),
    ).toStrictEqual({
      ...bare,
      version: "7",
      changedAt: AT,
    });
  });

  it("[HK-23] the last write of all is what is waited for", () => {
    const of = (at: string) => ({ copy: "x", at, fingerprints: {}, wrote: true });
    const late = "2026-11-21T09:00:00.000Z";
    expect(lastWrite(of(late), { app: of(AT) })).toBe(late);
    expect(lastWrite(of(AT), { app: of(AT), ci: of(late) })).toBe(late);
  });
});
