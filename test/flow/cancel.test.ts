import { describe, expect, it } from "vitest";
import { expectRotated, expectWalkedBack, livingOf } from "./expectations.ts";
import { world } from "./world.ts";

describe("a person cancels the real rotation", () => {
  it("after each entry: walked back while nothing was stored, carried to its end from then on", async () => {
    const ends: string[] = [];
    for (let n = 1; ; n += 1) {
      const w = await world();
      const run = w.run();
      let asked = false;
      let last = "";
      const stand = await run.go({
        recorded: (key, at) => {
          if (at !== n) return;
          asked = true;
          last = key;
          run.cancel();
        },
      });
      if (!asked) break;
      if (stand.status === "cancelled") expectWalkedBack(w, run);
      else expectRotated(w, run);
      ends.push(`${last} ${stand.status}`);
      // From the first store on it is always the same; a few entries of that are enough.
      if (ends.filter((one) => one.endsWith("completed")).length === 4) break;
    }
    const cancelled = ends.filter((one) => one.endsWith("cancelled"));
    expect(cancelled.at(-1)).toBe("validate/act/1 cancelled");
    expect(cancelled).toHaveLength(6);
    expect(ends.slice(6).map((one) => one.split(" ")[0])).toEqual([
      "store/act/1",
      "store/prove/1",
      expect.stringContaining("github"),
      expect.stringContaining("github"),
    ]);
  });

  it.each(["flag", "word"] as const)(
    "by %s, and the walk back fails half way: it goes on back, never forward with a key that was ended",
    async (how) => {
      const w = await world();
      // Heroku answers 500 to the list from the end of the new key on, so that its absence cannot be shown.
      const list = { vendor: "heroku", method: "GET", route: "/oauth/authorizations" } as const;
      const breakList = () => {
        if (w.writes().some((one) => one.method === "DELETE"))
          w.sandbox.control.addFault({ ...list, kind: "status", status: 500, count: 1 });
      };
      const run = w.run();
      if (how === "flag") {
        const recorded = (key: string) => (key === "validate/act/1" ? run.cancel() : undefined);
        expect(await run.go({ recorded, answered: breakList })).toMatchObject({ status: "held" });
      } else {
        // Held before the first store for another reason, and then told to go back.
        w.memory.refuseAudit = ({ step }) => step === "store";
        expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "AUDIT_UNWRITABLE" } });
        w.memory.refuseAudit = () => false;
        run.say({ choice: "cancel" });
        expect(await run.go({ answered: breakList })).toMatchObject({ status: "held" });
      }
      expect(livingOf(w, run)).toEqual([]);
      w.sandbox.control.clearFaults();
      run.say({ choice: "retry" });
      const { status } = await run.go();
      expect(w.broken).toEqual([]);
      expect(status).toBe("cancelled");
      expectWalkedBack(w, run);
    },
  );

  it("and then rotates again, without a trace of the first run in the way", async () => {
    const w = await world();
    const first = w.run();
    await first.go({ recorded: (key) => (key === "mint/act/1" ? first.cancel() : undefined) });
    expectWalkedBack(w, first);
    const second = w.run();
    expect(await second.go()).toEqual({ status: "completed" });
    expectRotated(w, second);
  });
});
