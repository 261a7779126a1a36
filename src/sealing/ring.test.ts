import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { Secret } from "../core/secret-value.ts";
import { cleanUp, place } from "../engine/embedded/harness.ts";
import { envelope, journalSealer, keyIdOf } from "./envelope.ts";
import { fingerprinter } from "./fingerprint.ts";
import { addKey, newKeyId, promoteKey } from "./key-file.ts";
import { type KeyRing, newKeyRing, openKeyRing } from "./key-ring.ts";

afterAll(cleanUp);

const yes = async (): Promise<boolean> => true;
const no = async (): Promise<boolean> => false;
const key = (): string => randomBytes(32).toString("base64url");

async function fileRing(file = join(place(), "keys.json")): Promise<{ file: string; ring: KeyRing }> {
  return { file, ring: await openKeyRing({ file }, yes) };
}

describe("key file", () => {
  it("is made once, mode 0600, without leftovers, and read again", async () => {
    const { file, ring } = await fileRing(join(place(), "home", "keys.json"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, ".."))).toEqual(["keys.json"]);
    const again = await openKeyRing({ file }, no);
    expect(again.writing).toBe(ring.writing);
    expect(await envelope(again).open(await envelope(ring).seal("x", "p"), "p")).toBe("x");
  });

  it("refuses one that others can read or write, and says how to mend it", async () => {
    const { file } = await fileRing();
    for (const mode of [0o640, 0o604, 0o620, 0o644]) {
      chmodSync(file, mode);
      await expect(openKeyRing({ file }, no)).rejects.toMatchObject({
        code: "KEYRING_EXPOSED",
        next: `lockstep doctor    after chmod 600 ${file}`,
      });
    }
  });

  it("is not replaced where the database already holds sealed values", async () => {
    const file = join(place(), "keys.json");
    await expect(openKeyRing({ file }, no)).rejects.toMatchObject({ code: "KEYRING_MISSING" });
    expect(existsSync(file)).toBe(false);
  });

  it("is found by a process that looked just before another made it and sealed with it", async () => {
    const file = join(place(), "keys.json");
    const ring = await openKeyRing({ file }, async () => {
      await openKeyRing({ file }, yes);
      return false;
    });
    expect(ring.writing).not.toBe("");
  });

  it("refuses a broken one, and never quotes it", async () => {
    const { file } = await fileRing();
    const good = readFileSync(file, "utf8");
    const value = JSON.parse(good).fingerprint;
    const bad = [
      good.slice(0, -30),
      "",
      "[]",
      good.replace('"format": 1', '"format": 2'),
      good.replace(value, value.slice(0, 20)),
      good.replace(value, `${value.slice(0, 42)}!`),
      good.replace(/"writes": ".*"/, '"writes": "other"'),
      good.replace(/"keys": \{[^}]*\}/, '"keys": {}'),
    ];
    for (const text of bad) {
      writeFileSync(file, text);
      const thrown = await openKeyRing({ file }, no).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: "KEYRING_BROKEN" });
      expect(inspect(thrown)).not.toContain(value.slice(0, 12));
    }
    rmSync(file);
    mkdirSync(file);
    chmodSync(file, 0o700);
    await expect(openKeyRing({ file }, no)).rejects.toMatchObject({ code: "KEYRING_BROKEN" });
  });

  it("never shows a key, however it is printed", async () => {
    const { file, ring } = await fileRing();
    const { keys, fingerprint } = JSON.parse(readFileSync(file, "utf8"));
    const printed = inspect(ring, { depth: 10, showHidden: true }) + JSON.stringify(ring);
    for (const text of [...Object.values<string>(keys), fingerprint]) {
      for (const form of ["base64url", "base64", "hex"] as const) {
        expect(printed).not.toContain(Buffer.from(text, "base64url").toString(form));
      }
    }
  });
});

describe("keys rotate", () => {
  it("adds a key that everybody can read before anybody writes with it, and labels stay", async () => {
    const { file, ring } = await fileRing();
    const other = await openKeyRing({ file }, no);
    const old = ring.writing;
    const label = fingerprinter(ring)({ key: Secret.of("v") });
    const id = newKeyId(new Date());
    await addKey(file, id);
    await ring.refresh();
    expect([ring.writing, ring.ids]).toEqual([old, [old, id]]);
    await promoteKey(file, id);
    await ring.refresh();
    const sealed = await envelope(ring).seal("x", "p");
    expect(keyIdOf(sealed)).toBe(id);
    // This one was opened before the key existed, and meets it for the first time.
    expect(await envelope(other).open(sealed, "p")).toBe("x");
    expect(fingerprinter(await openKeyRing({ file }, no))({ key: Secret.of("v") })).toEqual(label);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("loses no key of two changes at once", async () => {
    const { file } = await fileRing();
    const added = Array.from({ length: 6 }, (_, i) => `added-${i}`);
    await Promise.all(added.map((id) => addKey(file, id)));
    const ring = await openKeyRing({ file }, no);
    expect(ring.ids).toEqual(expect.arrayContaining(added));
    expect(ring.ids).toHaveLength(7);
    expect(readdirSync(join(file, ".."))).toEqual(["keys.json"]);
  });

  it("does not take the lock of another from it, and says which file it is", async () => {
    const { file, ring } = await fileRing();
    writeFileSync(`${file}.lock`, "");
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const refused = expect(addKey(file, "other")).rejects.toMatchObject({
      next: expect.stringContaining(`rm '${file}.lock'`),
    });
    vi.setSystemTime(Date.now() + 60_000);
    await refused;
    expect((await openKeyRing({ file }, no)).ids).toEqual(ring.ids);
  });

  it("says HOME_NOT_WRITABLE where no file can be made", async () => {
    const plain = join(place(), "plain");
    writeFileSync(plain, "");
    const file = join(plain, "below", "keys.json");
    await expect(openKeyRing({ file }, yes)).rejects.toMatchObject({ code: "HOME_NOT_WRITABLE" });
  });

  it("promotes no key that is not there, and takes no id twice", async () => {
    const { file, ring } = await fileRing();
    await expect(promoteKey(file, "other")).rejects.toMatchObject({ code: "USAGE" });
    await expect(addKey(file, ring.writing)).rejects.toMatchObject({ code: "USAGE" });
    await expect(addKey(file, "fingerprint")).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("LOCKSTEP_KEYS", () => {
  const file = "/nowhere/keys.json";
  it("gives a ring whose first key writes, whatever the file says", async () => {
    const [first, second, root] = [key(), key(), key()];
    const ring = await openKeyRing({ text: `b:${first},a:${second},fingerprint:${root}`, file }, no);
    expect([ring.writing, ring.ids]).toEqual(["b", ["b", "a"]]);
    const before = await openKeyRing({ text: `a:${second}, b:${first}=, fingerprint:${root}\n`, file }, no);
    expect(before.writing).toBe("a");
    expect(await envelope(before).open(await envelope(ring).seal("x", "p"), "p")).toBe("x");
    expect(fingerprinter(before)({ f: Secret.of("v") })).toEqual(fingerprinter(ring)({ f: Secret.of("v") }));
  });

  it("is refused when broken, and never quoted", async () => {
    const [value, root] = [key(), `,fingerprint:${key()}`];
    for (const text of [
      value,
      `a:${value}`,
      `a:${value.slice(0, 30)}${root}`,
      `a:${value}${value}${root}`,
      `a:${value},a:${value}${root}`,
      `a b:${value}${root}`,
      `${value}:${value.slice(1)}${root}`,
      root.slice(1),
      `a:${value},${root}`,
    ]) {
      const thrown = await openKeyRing({ text, file }, no).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: "KEYRING_BROKEN" });
      expect(inspect(thrown)).not.toContain(value.slice(0, 12));
    }
  });
});

describe("envelope", () => {
  it("seals as compact JWE that names its key and purpose, each time differently", async () => {
    const ring = await newKeyRing();
    const { seal, open } = envelope(ring);
    const [a, b] = [await seal("käse 🧀 \ufeff", "old"), await seal("käse 🧀 \ufeff", "old")];
    expect(a).not.toBe(b);
    expect(await open(a, "old")).toBe("käse 🧀 \ufeff");
    const [head = "", encryptedKey] = a.split(".");
    expect(encryptedKey).toBe("");
    expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({
      alg: "dir",
      enc: "A256GCM",
      kid: ring.writing,
      purpose: "old",
    });
    expect(await open(await seal("", "old"), "old")).toBe("");
  });

  it("opens nothing with a wrong ring, for another purpose, or after a change of any part", async () => {
    const ring = await newKeyRing();
    const { seal, open } = envelope(ring);
    const sealed = await seal("x".repeat(40), "old");
    const wrong = { code: "KEYRING_WRONG" };
    await expect(envelope(await newKeyRing()).open(sealed, "old")).rejects.toMatchObject(wrong);
    await expect(open(sealed, "pending")).rejects.toMatchObject(wrong);
    const parts = sealed.split(".");
    for (const index of [0, 2, 3, 4]) {
      const part = parts[index] ?? "";
      const changed = parts.with(index, `${part[0] === "A" ? "B" : "A"}${part.slice(1)}`).join(".");
      await expect(open(changed, "old")).rejects.toMatchObject(wrong);
    }
    const relabelled = Buffer.from(
      JSON.stringify({ alg: "dir", enc: "A256GCM", kid: ring.writing, purpose: "pending" }),
    ).toString("base64url");
    await expect(open(parts.with(0, relabelled).join("."), "pending")).rejects.toMatchObject(wrong);
    for (const text of ["", "x", "a.b.c.d.e", "null", "bnVsbA....", sealed.slice(0, -5)]) {
      await expect(open(text, "old")).rejects.toMatchObject(wrong);
    }
  });

  it("knows a ring with the same id and another key", async () => {
    const file = "/nowhere";
    const root = key();
    const rings = await Promise.all(
      [key(), key()].map((k) => openKeyRing({ text: `a:${k},fingerprint:${root}`, file }, no)),
    );
    const [one, two] = rings.map((ring) => journalSealer(ring));
    const sealed = (await one?.seal("x")) ?? "";
    expect(await one?.open(sealed)).toBe("x");
    await expect(two?.open(sealed)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
  });
});

describe("fingerprint", () => {
  it("is equal for equal values of one installation, and for nothing else", async () => {
    const ring = await newKeyRing();
    const value = crypto.randomUUID();
    const print = fingerprinter(ring);
    const { a = "", b, c } = print({ a: Secret.of(value), b: Secret.of(value), c: Secret.of(`${value}x`) });
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
    expect(fingerprinter(await newKeyRing())({ a: Secret.of(value) })["a"]).not.toBe(a);
  });
});
