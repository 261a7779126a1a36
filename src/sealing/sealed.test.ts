import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret, type Values } from "../core/secret-value.ts";
import { auditLogIn } from "../db/audit-log.ts";
import type { Database } from "../db/database.ts";
import {
  credential,
  entry,
  fresh,
  inProcess,
  request,
  someRun,
  type TestDatabase,
  testDatabase,
} from "../db/harness.ts";
import { ledgerIn } from "../db/ledger.ts";
import { progressIn } from "../db/progress.ts";
import { reserveRun } from "../db/runs.ts";
import { hasSealed, proveKeys } from "./canary.ts";
import { addKey, newKeyId, promoteKey } from "./key-file.ts";
import { type KeyRing, newKeyRing, openKeyRing } from "./key-ring.ts";
import { reseal, sealedValues } from "./sealed-values.ts";

const user = new URL("harness-user.ts", import.meta.url);
let test: TestDatabase;
let db: Database;
let ring: KeyRing;
let file: string;

interface Said {
  writing?: string;
  trouble?: { code: string };
}

beforeAll(async () => {
  test = await testDatabase();
  db = test.db;
  file = join(test.dir, "keys.json");
});
afterAll(() => test?.close());

function values(text = randomUUID()): Values {
  return { id: Secret.of(`id-${text}`), key: Secret.of(text) };
}

function texts(opened: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(opened).map(([name, value]) => [name, value.reveal()]));
}

describe("proveKeys", () => {
  it("lets eight processes that begin at once agree on one ring", async () => {
    expect(await hasSealed(db)).toBe(false);
    const said = await Promise.all(Array.from({ length: 8 }, () => inProcess<Said>(user, test.url, file)));
    expect(new Set(said.map((line) => JSON.stringify(line))).size).toBe(1);
    expect(said[0]).toMatchObject({ writing: expect.any(String), installation: db.installation });
    ring = await openKeyRing({ file }, async () => false);
    expect(ring.writing).toBe(said[0]?.writing);
    expect(await hasSealed(db)).toBe(true);
  });

  it("is content with the installation's ring, as often as it is asked", async () => {
    await proveKeys(db, ring);
    await proveKeys(db, ring);
    expect(await db.query("SELECT kid FROM lockstep.canary")).toHaveLength(2);
  });

  it("refuses another ring, and leaves no canary of it", async () => {
    await expect(proveKeys(db, await newKeyRing())).rejects.toMatchObject({ code: "KEYRING_WRONG" });
    expect(await db.query("SELECT kid FROM lockstep.canary")).toHaveLength(2);
  });

  it("refuses a ring with the same ids and another key, or another fingerprint root", async () => {
    const text = `${ring.writing}:${randomBytes(32).toString("base64url")},fingerprint:${randomBytes(32).toString("base64url")}`;
    const forged = await openKeyRing({ text, file }, async () => false);
    await expect(proveKeys(db, forged)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
    const half = { ...forged, writing: ring.writing, get: ring.get, find: ring.find };
    await expect(proveKeys(db, half)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
  });

  it("tells a process whose key file is gone that it is missing, and makes none", async () => {
    const said = await inProcess<Said>(user, test.url, join(test.dir, "elsewhere.json"));
    expect(said.trouble?.code).toBe("KEYRING_MISSING");
  });
});

describe("sealedValues", () => {
  it("gives values back to the run that sealed them, and to no other", async () => {
    const secret = fresh();
    const run = await someRun(db, secret);
    const sealed = sealedValues(db, ring, run, secret);
    const held = values();
    const record = await sealed.seal("old", held, credential("c1"));
    expect(record).toEqual({
      id: expect.any(String),
      fingerprints: { id: expect.any(String), key: expect.any(String) },
      credential: credential("c1"),
    });
    expect(texts(await sealed.open(record.id))).toEqual(texts(held));
    const other = sealedValues(db, ring, await someRun(db), "other");
    await expect(other.open(record.id)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
    await other.drop(record.id);
    expect(await sealed.find("old")).toEqual([record]);
  });

  it("answers a second sealing, also one at the same moment, with the first record", async () => {
    const run = await someRun(db);
    const sealed = sealedValues(db, ring, run, "s");
    const all = await Promise.all(
      Array.from({ length: 4 }, () => sealed.seal("pending", values(), credential("c"))),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    const nameless = await sealed.seal("pending", values());
    expect(nameless).not.toHaveProperty("credential");
    expect(await sealed.seal("pending", values())).toEqual(nameless);
    expect((await sealed.find("pending")).map(({ id }) => id)).toEqual([nameless.id, all[0]?.id]);
    expect(await sealed.find("old")).toEqual([]);
  });

  it("keeps a credential whatever its description holds: a minted key must not be lost over it", async () => {
    const sealed = sealedValues(db, ring, await someRun(db), "s");
    const strange = { ...credential("c"), description: "a\u0000b\ud800" };
    expect((await sealed.seal("pending", values(), strange)).credential).toEqual(strange);
  });

  it("[P7] seals nothing more for a run that has ended: nobody would drop it", async () => {
    const run = await someRun(db);
    const sealed = sealedValues(db, ring, run, "s");
    const { id } = await sealed.seal("pending", values());
    await progressIn(db).run(run, { status: "completed" });
    await expect(sealed.seal("old", values())).rejects.toThrow("after its end");
    expect(await sealed.find("old")).toEqual([]);
    expect((await sealed.find("pending")).map((one) => one.id)).toEqual([id]);
  });

  it("[P7] drops all of one run at its end, what was pasted too, and nothing of another run's", async () => {
    const [ended, other] = [await someRun(db), await someRun(db)].map((run) =>
      sealedValues(db, ring, run, "s"),
    );
    const purposes = ["old", "pending", "pasted/task/supply/1"] as const;
    for (const purpose of purposes)
      for (const sealed of [ended, other]) await sealed?.seal(purpose, values());
    await ended?.dropAll();
    for (const purpose of purposes) {
      expect(await ended?.find(purpose)).toEqual([]);
      expect(await other?.find(purpose)).toHaveLength(1);
    }
  });

  it("drops what is no longer needed, and says so when it is asked for", async () => {
    const sealed = sealedValues(db, ring, await someRun(db), "s");
    const { id } = await sealed.seal("pending", values());
    await sealed.drop(id);
    await sealed.drop(id);
    expect(await sealed.find("pending")).toEqual([]);
    await expect(sealed.open(id)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
    await expect(sealed.open("no id at all")).rejects.toMatchObject({ code: "KEYRING_WRONG" });
  });

  it("refuses rows whose values or fingerprints were exchanged in the database", async () => {
    const sealed = sealedValues(db, ring, await someRun(db), "s");
    const [a, b] = [await sealed.seal("old", values()), await sealed.seal("pending", values())];
    await db.query(
      `UPDATE lockstep.sealed SET value = (SELECT value FROM lockstep.sealed WHERE id = $2) WHERE id = $1`,
      [a.id, b.id],
    );
    await expect(sealed.open(a.id)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
    await db.query("UPDATE lockstep.sealed SET fingerprints = $2 WHERE id = $1", [
      b.id,
      JSON.stringify(a.fingerprints),
    ]);
    await expect(sealed.open(b.id)).rejects.toMatchObject({ code: "KEYRING_WRONG" });
    await db.query("DELETE FROM lockstep.sealed WHERE id = ANY($1::uuid[])", [[a.id, b.id]]);
  });
});

describe("keys rotate", () => {
  it("seals everything again under the new key, once, and refuses a ring that lacks it", async () => {
    const run = await someRun(db);
    const sealed = sealedValues(db, ring, run, "s");
    const held = values();
    const { id } = await sealed.seal("old", held);
    const count = (await db.query("SELECT id FROM lockstep.sealed")).length;
    const before = await openKeyRing({ file }, async () => false);
    const added = newKeyId(new Date());
    await addKey(file, added);
    await promoteKey(file, added);
    expect(await reseal(db, ring)).toEqual({ resealed: count, already: 0 });
    expect(await reseal(db, ring)).toEqual({ resealed: 0, already: count });
    expect(await db.query("SELECT DISTINCT kid FROM lockstep.sealed")).toEqual([{ kid: added }]);
    expect(texts(await sealed.open(id))).toEqual(texts(held));
    await expect(proveKeys(db, { ...before, find: async (kid) => before.get(kid) })).rejects.toMatchObject({
      code: "KEYRING_WRONG",
    });
    await proveKeys(db, ring);
    // The other process reads the file again when it meets the new key.
    expect(texts(await sealedValues(db, before, run, "s").open(id))).toEqual(texts(held));
  });
});

describe("[HK-12] the files of the database", () => {
  it("hold a planted value in no form", async () => {
    const secret = fresh();
    const { run } = await reserveRun(db, request(secret));
    const planted = randomBytes(24).toString("base64url");
    const sealed = sealedValues(db, ring, run.id, secret);
    const record = await sealed.seal("old", { key: Secret.of(planted) }, credential("planted"));
    await auditLogIn(db).append(entry(run.id, "mint", "secret.rotate.mint.intended"));
    await auditLogIn(db)
      .append({ ...entry(run.id, "mint", "secret.rotate.x"), context: { value: Secret.of(planted) } })
      .catch(() => {});
    await ledgerIn(db).current(secret);
    await sealed.open(record.id);
    await reseal(db, ring);
    await db.query("CHECKPOINT").catch(() => {});
    const bytes = Buffer.from(planted);
    const forms = [
      planted,
      // Of three alignments of base64 each has a middle that does not depend on its neighbours.
      ...[0, 1, 2].map((pad) =>
        Buffer.concat([Buffer.alloc(pad), bytes])
          .toString("base64")
          .slice(4, -4),
      ),
      bytes.toString("base64url").slice(0, -4),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      Buffer.from(planted, "utf16le").toString("latin1"),
    ];
    const grep = (form: string): string =>
      execFileSync("sh", ["-c", 'grep -raclF -- "$0" "$1" || true', form, join(test.dir, ".lockstep")], {
        encoding: "utf8",
      });
    for (const form of forms) expect(grep(form.replaceAll("\u0000", ""))).toBe("");
    // That the search finds what is there: the run's name stands in clear.
    expect(grep(run.id)).not.toBe("");
  });
});
