import { createHash, createSecretKey } from "node:crypto";
import type { Fingerprinter } from "../../src/core/sealed.ts";
import { Secret } from "../../src/core/secret-value.ts";
import { newSealingKey } from "../../src/sandbox/github/sealing.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import type { KeyRing } from "../../src/sealing/key-ring.ts";
import { isNamed, mapped, type Tree } from "./tree.ts";

/** What a value looks like: so many letters and digits after the vendor's prefix. The value itself is written down nowhere. */
export interface ValueShape {
  readonly prefix: string;
  readonly letters: number;
}

const digestOf = (text: string) => createHash("sha256").update(text).digest();

/** Fingerprints under a key of these tests: the same in every process, so that a plan which names one keeps its hash. */
export const fingerprint: Fingerprinter = fingerprinter({
  fingerprintKey: createSecretKey(digestOf("fingerprints of recorded runs")),
} as KeyRing);

const SEALING_KEY = "{{sealing key}}";
const LABEL = /\{\{(value|fingerprint) (\d+)\}\}/g;
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** What vendors put before the letters and digits, by which some values are told from other text. */
const PREFIXES = ["HRKU-", "github_pat_"];
/** Under these names the simulated vendors keep values. */
const HOLDERS = new Set(["token", "value", "secret", "signingKey"]);
/** And under these objects of them, beside much that is not secret. */
const MIXED = new Set(["config", "changes", "env", "held"]);

/** The values that simulated vendors hold, in the order in which they are found; but what is named here. */
export function valuesIn(vendors: Tree, but: string): ReadonlySet<string> {
  const found = new Set<string>();
  const look = (tree: Tree, is: (text: string) => boolean): void => {
    if (typeof tree === "string") {
      if (is(tree) && tree !== but) found.add(tree);
    } else if (isNamed(tree)) {
      if (isSealingKey(tree)) return;
      for (const [name, part] of Object.entries(tree))
        look(part, HOLDERS.has(name) ? isLong : MIXED.has(name) || is === isRandom ? isRandom : () => false);
    } else if (Array.isArray(tree)) for (const part of tree) look(part, is);
  };
  look(vendors, () => false);
  return found;
}

const isLong = (text: string) => text.length >= 8;
const isRandom = (text: string) => /^[A-Za-z0-9]{20,}$/.test(text);

/** Puts labels in the place of values and of their fingerprints. */
export interface Hiding {
  /** From here on these are values. */
  know(values: Iterable<string>): void;
  readonly shapes: readonly ValueShape[];
  /** Of a vendor's state, which holds values. */
  hidden(tree: Tree): Tree;
  /** Of what the program keeps, which must hold none (P7): throws where it does. */
  hiddenFingerprints(tree: Tree): Tree;
}

/** Begins with the values of shapes that are known already. */
export function hiding(known: readonly ValueShape[] = []): Hiding {
  const shapes = [...known];
  const numbers = new Map(shapes.map((shape, n) => [madeUp(shape, n), n]));
  const prints = new Map([...numbers].map(([value, n]) => [printOf(value), n]));
  const replaced = (text: string, table: ReadonlyMap<string, number>, what: string): string => {
    let now = text;
    for (const [secret, n] of table)
      if (now.includes(secret)) now = now.replaceAll(secret, `{{${what} ${n}}}`);
    return now;
  };
  const text = (before: string) => replaced(replaced(before, numbers, "value"), prints, "fingerprint");
  return {
    shapes,
    know: (values) => {
      for (const value of values) {
        if (numbers.has(value)) continue;
        numbers.set(value, shapes.length);
        prints.set(printOf(value), shapes.length);
        shapes.push(shapeOf(value));
      }
    },
    hidden: (tree) => mapped(tree, { text, object: (one) => (isSealingKey(one) ? SEALING_KEY : undefined) }),
    hiddenFingerprints: (tree) => {
      const written = JSON.stringify(tree);
      for (const [value, n] of numbers)
        if (written.includes(value)) throw new Error(`P7: value ${n} is in the record`);
      return mapped(tree, { text: (one) => replaced(one, prints, "fingerprint") });
    },
  };
}

/** Puts made-up values of the same shapes, and their fingerprints, in the place of labels; sealing keys need libsodium loaded. */
export function shown(tree: Tree, shapes: readonly ValueShape[]): Tree {
  let keys = 0;
  const filled = (text: string) =>
    text.replace(LABEL, (_label, what: string, n: string) => {
      const value = madeUp(shapes[Number(n)] ?? NONE, Number(n));
      return what === "value" ? value : printOf(value);
    });
  const text = (one: string) => {
    if (one !== SEALING_KEY) return filled(one);
    keys += 1;
    return { ...sealingKey(keys) };
  };
  return mapped(tree, { text });
}

function shapeOf(value: string): ValueShape {
  const prefix = PREFIXES.find((one) => value.startsWith(one)) ?? "";
  return { prefix, letters: value.length - prefix.length };
}

const NONE: ValueShape = { prefix: "", letters: 0 };

const madeUp = kept(({ prefix, letters }: ValueShape, n: number): string => {
  const blocks = Array.from({ length: Math.ceil(letters / 32) }, (_, i) => digestOf(`value ${n}, part ${i}`));
  const bytes = [...Buffer.concat(blocks).subarray(0, letters)];
  return prefix + bytes.map((byte) => ALPHANUMERIC[byte % ALPHANUMERIC.length]).join("");
});

const printOf = kept((value: string) => Object.values(fingerprint({ value: Secret.of(value) }))[0] ?? "");

const sealingKey = kept((n: number) => {
  let part = 0;
  return newSealingKey((bytes) => {
    part += 1;
    return digestOf(`sealing key ${n}, part ${part}`).subarray(0, bytes);
  });
});

/** Works each answer out once: the same few are needed for every place at which a run may have stopped. */
function kept<Given extends readonly unknown[], T>(make: (...given: Given) => T): (...given: Given) => T {
  const answers = new Map<string, T>();
  return (...given) => {
    const name = JSON.stringify(given);
    const answer = answers.get(name) ?? make(...given);
    answers.set(name, answer);
    return answer;
  };
}

function isSealingKey(tree: Readonly<Record<string, Tree>>): boolean {
  return "seed" in tree;
}
