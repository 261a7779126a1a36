import { describe, expect, it } from "vitest";
import type { Facts } from "../../core/facts.ts";
import { done } from "../../core/outcome.ts";
import type { Step } from "../../core/step.ts";
import { endTagged, LEFT, mint } from "./mint.ts";
import { AT, credential, FACTS, holding, notDone, only, refuses, scene } from "./testing/scene.ts";
import { tidy } from "./tidy.ts";

const kept = { id: "s1", fingerprints: { token: "new" }, credential: credential("22222222") };
const tagged = [done(["22222222"]), done(["22222222"])];

describe("[HK-13] [P3] what a lost reply may have created", () => {
  const look = (given: Parameters<typeof scene>[0]) => only(mint).looks?.(scene(given).c, FACTS);

  it("is the run's once its value is sealed, and nothing while nothing carries the tag", async () => {
    expect(await look({ sealed: [kept], tagged })).toEqual({
      is: "present",
      value: { ref: kept.credential, sealed: "s1", fingerprints: kept.fingerprints },
    });
    expect(await look({})).toEqual({ is: "absent" });
    expect(await look({ tagged: [notDone] })).toEqual(notDone);
  });

  it("is a leftover where this run announced a mint, and somebody's where it did not", async () => {
    expect(await look({ tagged, announced: ["mint"] })).toMatchObject({ is: "leftover" });
    const s = scene({ tagged });
    expect(await only(mint).looks?.(s.c, FACTS)).toMatchObject({
      is: "refused",
      trouble: { code: "RECORD_OLDER" },
    });
    expect(s.log).toEqual(["owe key/older/22222222"]);
  });
});

it("[P7] a minted value is sealed before anything is said of it; one that was not created is not sealed", async () => {
  const values = { token: "v" };
  const s = scene({
    issuer: { mint: async () => done({ credential: credential("22222222"), values }) as never },
  });
  expect(await only(mint).does(s.c, FACTS)).toMatchObject({
    value: { sealed: "s1", ref: { id: "22222222" } },
  });
  expect(s.log).toEqual(["seal pending 22222222"]);
  const t = scene({ issuer: { mint: async () => notDone } });
  expect(await only(mint).does(t.c, FACTS)).toEqual(notDone);
  expect(t.log).toEqual([]);
});

describe("[P3] giving up", () => {
  const undo = (given: Parameters<typeof scene>[0], again = false) => {
    const s = scene(given);
    const { undoes } = only(mint) as Step & {
      undoes: { does: NonNullable<unknown> & ((...a: unknown[]) => Promise<unknown>) };
    };
    return undoes.does(s.c, FACTS, again).then((outcome) => ({ outcome, log: s.log }));
  };

  it("ends what is sealed and what carries the tag, shows that it is gone, and drops its value", async () => {
    expect(await undo({ sealed: [kept], tagged: [done(["33333333"])], accepted: { s1: "dead" } })).toEqual({
      outcome: done(undefined),
      log: ["end 22222222", "end 33333333", "drop s1"],
    });
    // Where the issuer cannot be asked, its acceptance of the end and its list have to do.
    expect((await undo({ sealed: [kept], tagged, accepted: { s1: "unknown" } })).outcome).toEqual(
      done(undefined),
    );
    expect(await undo({})).toEqual({ outcome: done(undefined), log: [] });
  });

  it("leaves all of it as findings where the vault holds another key by now; not where it is created once more", async () => {
    const moved = { vault: { observe: async () => holding({ token: "by hand" }) } };
    const given = { sealed: [kept], tagged: [done(["22222222", "33333333"])], ...moved };
    expect(await undo(given)).toEqual({
      outcome: done(LEFT),
      log: ["owe key/stray/22222222", "owe key/stray/33333333"],
    });
    const again = await undo(given, true);
    expect([again.outcome, again.log]).toMatchObject([{ trouble: { code: "RECORD_OLDER" } }, []]);
    const unseen = await undo({ ...given, tagged: [...given.tagged, notDone] });
    expect(unseen).toEqual({ outcome: notDone, log: [] });
  });

  it("keeps the value of what is still accepted, listed or not ended", async () => {
    for (const given of [
      { accepted: { s1: "alive" } },
      { listed: { 22222222: "alive" }, accepted: { s1: "dead" } },
      { listed: { 22222222: "unknown" }, accepted: { s1: "dead" } },
      { ends: { 22222222: notDone }, accepted: { s1: "dead" } },
    ] as const) {
      const { outcome, log } = await undo({ sealed: [kept], tagged, ...given });
      expect(outcome).toMatchObject({ is: "unknown" });
      expect(log).toEqual(["end 22222222"]);
    }
  });
});

describe("[P1] what carries the tag is ended", () => {
  const end = async (
    given: Parameters<typeof scene>[0],
    checked: Facts["checked"] | undefined = FACTS.checked,
  ) => {
    const s = scene({ tagged, ...given });
    const outcome = await endTagged(s.c, checked);
    return outcome.is === "done" ? s.log : [...s.log, "trouble" in outcome ? outcome.trouble.code : ""];
  };

  it("while the vault holds what the run found there", async () => {
    expect(await end({})).toEqual(["end 22222222"]);
    expect(await end({ tagged: [done([])], vault: { observe: async () => notDone } })).toEqual([]);
  });

  it("and not once it may hold what the run has created", async () => {
    expect(await end({ vault: { observe: async () => holding({ token: "new" }) } })).toEqual([
      "RECORD_OLDER",
    ]);
    expect(await end({ vault: { observe: async () => done({ at: AT, present: false }) } })).toEqual([
      "RECORD_OLDER",
    ]);
    expect(await end({ vault: { observe: async () => notDone } })).toEqual(["VENDOR_UNREACHABLE"]);
    expect(await end({ tagged: [notDone] })).toEqual(["VENDOR_UNREACHABLE"]);
    const s = scene({ tagged });
    expect(await endTagged(s.c, undefined)).toMatchObject({ trouble: { code: "RECORD_OLDER" } });
    expect(s.log).toEqual([]);
  });
});

describe("[P3] duplicates of the run", () => {
  const step = only(tidy);

  it("are what carries its tag beside the one that the vault holds", async () => {
    const look = (given: Parameters<typeof scene>[0]) => step.looks?.(scene(given).c, FACTS);
    expect(await look({ tagged })).toMatchObject({ is: "present", value: { ended: [] } });
    expect(await look({ tagged: [done(["22222222", "33333333"])] })).toEqual({ is: "absent" });
    expect(await look({ tagged: [notDone] })).toEqual(notDone);
  });

  it("are ended, and never the one that is kept", async () => {
    const s = scene({ tagged: [done(["33333333", "22222222", "44444444"])] });
    expect(await step.does(s.c, FACTS)).toMatchObject({ value: { ended: ["33333333", "44444444"] } });
    expect(s.log).toEqual(["end 33333333", "end 44444444"]);
    const t = scene({
      tagged: [done(["33333333", "44444444"])],
      ends: { 33333333: refuses("VENDOR_PERMISSION") },
    });
    expect(await step.does(t.c, FACTS)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION" },
    });
    expect(t.log).toEqual(["end 33333333"]);
    expect(await step.does(scene({ tagged: [notDone] }).c, FACTS)).toEqual(notDone);
  });

  it("are proved gone by another look, where there were any", async () => {
    const prove = async (ended: readonly string[], given: Parameters<typeof scene>[0]) =>
      (await step.proves?.(scene(given).c, FACTS, { ended }))?.is;
    expect(await prove([], { tagged: [notDone] })).toBe("proved");
    expect(await prove(["33333333"], { tagged })).toBe("proved");
    expect(await prove(["33333333"], { tagged: [done(["33333333"])] })).toBe("unknown");
    expect(await prove(["33333333"], { tagged: [notDone] })).toBe("unknown");
  });
});
