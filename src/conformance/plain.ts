import { createHash } from "node:crypto";
import type { Fingerprinter } from "../core/sealed.ts";
import { Secret, type Values } from "../core/secret-value.ts";
import type { PlainValues } from "./supplied.ts";

/** Fields as values. */
export function valuesOf(plain: PlainValues): Values {
  return Object.fromEntries(Object.entries(plain).map(([name, text]) => [name, Secret.of(text)]));
}

/** Whether both name the same fields with the same texts. */
export function samePlain(a: PlainValues, b: PlainValues): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Equal values get equal fingerprints. By comparison, because nothing here may see what a value is. */
export function fingerprinter(): Fingerprinter {
  const met: Secret[] = [];
  const one = (value: Secret): string => {
    let index = met.findIndex((known) => known.equals(value));
    // A copy: whoever owns the value may wipe it.
    if (index === -1) index = met.push(value.copy()) - 1;
    return createHash("sha256").update(`value ${index}`).digest("hex").slice(0, 32);
  };
  return (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, one(value)]));
}

/** Whether a text holds one of these, plainly or as it is usually encoded. */
export function holdsAny(text: string, plains: readonly string[]): boolean {
  return plains.some((plain) => plain !== "" && formsOf(plain).some((form) => text.includes(form)));
}

function formsOf(plain: string): readonly string[] {
  const bytes = Buffer.from(plain, "utf8");
  const base64 = bytes.toString("base64");
  return [
    plain,
    JSON.stringify(plain).slice(1, -1),
    encodeURIComponent(plain),
    // Without its end, which differs with what follows.
    base64.length > 8 ? base64.slice(0, -4) : base64,
    bytes.toString("hex"),
  ];
}
