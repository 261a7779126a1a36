import { describe, expect, it } from "vitest";
import { type DistrustedEntry, openEntry, sealEntry, serializerOver } from "./sealed.ts";
import { rightSealer, wrongSealer } from "./testing/sealers.ts";

const serializer = serializerOver(rightSealer);
const stored = async (value: unknown) => serializer.parse((await serializer.stringify(value)) as string);
const boxed = async (box: unknown) => serializer.parse(await rightSealer.seal(JSON.stringify(box)));

function why(of: unknown): string {
  try {
    return JSON.stringify(openEntry(of, "run", "entry/a"));
  } catch (thrown) {
    const { name, message, why: reason, entry } = thrown as DistrustedEntry;
    expect([name, entry, message]).toEqual(["DistrustedEntry", "entry/a", reason]);
    return reason;
  }
}

describe("[P11] an entry of the journal", () => {
  it("is opened as it was sealed, alone or as the only argument of a workflow", async () => {
    const entry = await sealEntry(rightSealer, "run", "entry/a", { n: 1 });
    expect(openEntry(await stored(entry), "run", "entry/a")).toEqual({ n: 1 });
    expect(openEntry(await stored([entry]), "run", "entry/a")).toEqual({ n: 1 });
    const nothing = await sealEntry(rightSealer, "run", "entry/a", undefined);
    expect(openEntry(await stored(nothing), "run", "entry/a")).toBeUndefined();
    expect(openEntry(await boxed([{ run: "run", entry: "entry/a", value: 2 }]), "run", "entry/a")).toBe(2);
  });

  it("is written out as it was stored, when the engine reads it in and writes it again", async () => {
    const entry = await sealEntry(rightSealer, "run", "entry/a", "v");
    const text = (await serializer.stringify(entry)) as string;
    const opened = await serializer.parse(text);
    expect(await serializer.stringify(opened)).toBe(text);
    expect(await serializer.stringify([opened])).toBe(text);
    // A workflow's arguments are spread from it.
    expect([...(opened as Iterable<unknown>)]).toEqual([opened]);
  });

  it("is not used where it is another run's or another entry's", async () => {
    const entry = async (run: string, key: string) => stored(await sealEntry(rightSealer, run, key, 1));
    expect(why(await entry("run", "entry/a"))).toBe("1");
    for (const [run, key] of [
      ["other", "entry/a"],
      ["run", "entry/b"],
      ["other", "entry/b"],
    ] as const)
      expect(why(await entry(run, key))).toBe("it belongs to another run or entry");
  });

  it("is not used where it was not sealed by us, whatever it looks like", async () => {
    const right = { run: "run", entry: "entry/a", value: 1 };
    for (const forged of [right, [right], JSON.stringify(right), null, undefined])
      expect(why(forged)).toBe("it was not sealed by Lockstep");
    for (const box of ["text", 7, null, {}, { run: "run" }, { entry: "entry/a" }, [], [[right]]])
      expect(why(await boxed(box))).toBe("it was not sealed by Lockstep");
  });

  it("is not used where the key ring does not open it, and reading it throws nothing", async () => {
    const text = await wrongSealer.seal(JSON.stringify({ run: "run", entry: "entry/a", value: 1 }));
    expect(why(await serializer.parse(text))).toBe("the key ring does not open it");
    expect(why(await serializer.parse(await rightSealer.seal("no JSON")))).toBe(
      "the key ring does not open it",
    );
  });
});

describe("what the engine stores besides", () => {
  it("[P7] is sealed, whatever it is", async () => {
    for (const [value, text] of [
      [{ plain: 1 }, '{"plain":1}'],
      [[1, 2], "[1,2]"],
      [[1], "[1]"],
      [undefined, "null"],
    ] as const) {
      const sealed = (await serializer.stringify(value)) as string;
      expect(sealed).not.toContain(text);
      expect(await rightSealer.open(sealed)).toBe(text);
    }
    const two = await Promise.all([1, 2].map((n) => sealEntry(rightSealer, "run", "entry/a", n)));
    expect(await rightSealer.open((await serializer.stringify(two)) as string)).toContain("text");
  });

  it("is nothing where nothing is stored", async () => {
    expect(await serializer.parse(null)).toBeNull();
    expect(await serializer.parse(undefined as never)).toBeNull();
  });
});
