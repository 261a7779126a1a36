/**
 * Loaded before a command (`node --import`): from then on a part of the platform fails with errors that quote, over several
 * lines, what it was given. QUOTING names the part.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

/** As careless as an error can be: in its message, its code, its cause and beside it. */
function quoting(text: string): Error {
  const lines = `cannot do this with\n${text}\n    at ${text} (${text}:1:1)\n`;
  return Object.assign(new Error(lines, { cause: new Error(text) }), { given: text, code: "EQUOTING" });
}

const what = process.env["QUOTING"];
process.stderr.write("quoting platform\n");

if (what === "fetch") {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const { authorization } = Object.fromEntries(new Headers(init?.headers));
    if (init?.method !== "POST" || authorization === undefined) return fetch(input, init);
    throw quoting(`${authorization} ${String(init.body)}`);
  };
}

if (what === "hmac" || what === "ring") {
  const { createHmac } = crypto;
  crypto.createHmac = (algorithm, key, options) => {
    const hmac = createHmac(algorithm, key, options);
    const { update } = hmac;
    hmac.update = (data: unknown) => {
      if (String(data).startsWith("HRKU-")) throw quoting(String(data));
      if (what === "ring") throw quoting(process.env["LOCKSTEP_KEYS"] ?? "");
      return Reflect.apply(update, hmac, [data]) as typeof hmac;
    };
    return hmac;
  };
  syncBuiltinESMExports();
}

if (what === "seal") {
  const { encrypt } = crypto.subtle;
  crypto.subtle.encrypt = (algorithm, key, data) => {
    const text = Buffer.from(data as ArrayBuffer).toString();
    if (text.includes("HRKU-")) throw quoting(text);
    return Reflect.apply(encrypt, crypto.subtle, [algorithm, key, data]) as Promise<ArrayBuffer>;
  };
}
