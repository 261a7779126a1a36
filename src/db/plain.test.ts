import { expect, it } from "vitest";
import { Secret } from "../core/secret-value.ts";
import { jsonText, wholeJson } from "./plain.ts";

const text = `${crypto.randomUUID()}"\\ä/${crypto.randomUUID()}`;
const value = Secret.of(text);
const ways: Readonly<Record<string, string>> = {
  plainly: text,
  "in base64": Buffer.from(text).toString("base64"),
  "in base64url": Buffer.from(text).toString("base64url"),
  "in hex": Buffer.from(text).toString("hex"),
  "in a URL": encodeURIComponent(text),
};

it.each(Object.keys(ways))(
  "[P7] takes a value out of JSON that stands there %s, in a text or a name",
  (way) => {
    const written = ways[way] ?? "";
    const json = jsonText({ deep: [{ [`name ${written}`]: `before ${written} after` }] }) ?? "";
    expect(JSON.parse(json)).toEqual({ deep: [{ "name [secret]": "before [secret] after" }] });
    expect(value.reveal()).toBe(text);
  },
);

it("keeps JSON that holds no value as it is, also text that only looks like an escape", () => {
  const data = { a: "\\u0000 and \\ud800", b: [1, null, "ä"], c: { d: "" } };
  expect(jsonText(data)).toBe(JSON.stringify(data));
});

it("removes what jsonb refuses", () => {
  expect(jsonText({ "a\u0000": "b\u0000c\ud800" })).toBe('{"a":"bc\ufffd"}');
});

it("[P7] refuses a value as an object, where nothing is taken out neither", () => {
  for (const write of [jsonText, wholeJson])
    expect(() => write({ deep: [{ value }] }, "it")).toThrow(
      expect.objectContaining({ code: "INTERNAL", message: "a secret value stands at it.deep.0.value" }),
    );
});
