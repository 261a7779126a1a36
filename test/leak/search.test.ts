import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alphanumeric } from "../../src/sandbox/random.ts";
import { type Form, formsOf, type Known, searcherFor, WINDOW } from "./search.ts";

const text = (length: number) => alphanumeric(randomBytes, length);
const known = (name: string, value: string | Buffer, constant?: number): Known => ({
  name,
  bytes: Buffer.from(value as string),
  ...(constant !== undefined && { constant }),
});
const formsFound = (value: Known, bytes: string | Buffer): Form[] =>
  searcherFor([value])(Buffer.from(bytes as string)).map((hit) => hit.form);

describe("[P7] the searcher", () => {
  const token = `HRKU-${text(60)}`;
  const value = known("token", token, "HRKU-".length);

  it.each<[string, Form, (bytes: Buffer) => string]>([
    ["raw", "raw", (bytes) => bytes.toString()],
    ["base64", "base64", (bytes) => bytes.toString("base64")],
    ["base64 of it and one byte before", "base64", (bytes) => Buffer.from(`:${bytes}`).toString("base64")],
    ["base64 of it and two before", "base64", (bytes) => Buffer.from(`x:${bytes}`).toString("base64")],
    ["base64 without padding", "base64", (bytes) => bytes.toString("base64").replace(/=+$/, "")],
    ["base64 of a header", "base64", (bytes) => Buffer.from(`Bearer ${bytes}`).toString("base64")],
    ["hex", "hex", (bytes) => bytes.toString("hex")],
    ["upper-case hex", "HEX", (bytes) => bytes.toString("hex").toUpperCase()],
    ["percent-encoded", "url", (bytes) => bytes.toString("hex").replace(/../g, "%$&")],
  ])("[P7] finds a value written as %s", (_name, form, write) => {
    expect(formsFound(value, `some text ${write(Buffer.from(token))} more`)).toContain(form);
    expect(formsFound(value, `some text ${write(Buffer.from(`HRKU-${text(60)}`))} more`)).toEqual([]);
  });

  it("[P7] finds a value with characters that URLs, JSON and base64url write differently", () => {
    const odd = known("odd", `pä"ss\\wo rd/${text(8)}\n?&${text(4)}ÿþ`);
    const plain = odd.bytes.toString();
    expect(formsFound(odd, encodeURIComponent(plain))).toContain("url");
    expect(formsFound(odd, JSON.stringify({ plain }))).toContain("json");
    const bytes = known("bytes", Buffer.alloc(32, 0xfb));
    expect(formsFound(bytes, bytes.bytes.toString("base64url"))).toContain("base64url");
    expect(formsFound(bytes, bytes.bytes.toString("base64"))).toContain("base64");
    expect(formsFound(bytes, bytes.bytes)).toContain("raw");
  });

  it("[P7] finds every part of at least twelve characters, and not what Heroku's lists may show", () => {
    for (let length = WINDOW; length < token.length; length += 1) {
      expect(formsFound(value, `<${token.slice(0, length)}>`)).toEqual(["raw"]);
      expect(formsFound(value, `<${token.slice(-length)}>`)).toEqual(["raw"]);
    }
    expect(formsFound(value, `${token.slice(0, 9)}**********${token.slice(-4)}`)).toEqual([]);
    expect(formsFound(value, token.slice(0, WINDOW - 1))).toEqual([]);
  });

  it("[P7] does not take the constant beginning of a kind of value for the value", () => {
    const pat = known("pat", `github_pat_${text(22)}_${text(59)}`, "github_pat_".length);
    expect(formsFound(pat, "github_pat_ and then something else")).toEqual([]);
    expect(formsFound(pat, pat.bytes.subarray(0, 20))).toEqual(["raw"]);
  });

  it("[P7] finds any form of any value at any offset, names the value, and says nothing else", () => {
    const values = Array.from({ length: 40 }, (_, n) => known(`value ${n}`, text(20 + n)));
    const search = searcherFor(values);
    const noise = randomBytes(4_000);
    expect(search(noise)).toEqual([]);
    fc.assert(
      fc.property(fc.nat(39), fc.nat(30), fc.nat(3_800), (which, form, at) => {
        const value = values[which] as Known;
        const forms = formsOf(value);
        const chosen = forms[form % forms.length] as (typeof forms)[number];
        const bytes = Buffer.concat([noise.subarray(0, at), chosen.text, noise.subarray(at)]);
        const hits = search(bytes);
        expect(new Set(hits.map((hit) => hit.known))).toEqual(new Set([value.name]));
        // Two forms may write a value alike, so that the place is compared and not the form's name.
        expect(hits.map((hit) => hit.at)).toContain(at);
      }),
    );
  });

  it("[P7] finds a value at the very beginning and the very end, and nothing in what is too short", () => {
    expect(formsFound(value, token)).toEqual(["raw"]);
    expect(formsFound(value, `${"-".repeat(999)}${token}`)).toEqual(["raw"]);
    expect(formsFound(value, "")).toEqual([]);
    expect(formsFound(value, token.slice(0, 3))).toEqual([]);
  });

  it("reads the size of a data directory in moments", () => {
    const search = searcherFor(Array.from({ length: 100 }, (_, n) => known(`value ${n}`, text(65))));
    const page = Buffer.concat([
      randomBytes(4_096),
      Buffer.alloc(4_096),
      Buffer.from("some text ".repeat(400)),
    ]);
    const bytes = Buffer.concat(Array.from({ length: 3_300 }, () => page));
    const before = process.cpuUsage();
    expect(search(bytes)).toEqual([]);
    // What others use of the machine meanwhile does not count. Measured 0.15 s.
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(5_000_000);
  });
});
