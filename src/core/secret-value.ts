import { timingSafeEqual } from "node:crypto";

const LABEL = "[secret]";

/** Node's name of it, not imported: whoever compiles against our types needs none of Node's for it. */
const INSPECTED: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Shorter texts stand in ordinary words too often to be taken out of them. */
const SHORTEST_TOLD = 8;
const ENCODINGS = ["base64", "base64url", "hex"] as const;

/** All values in this process, weakly: the second line of defence, for text of others that quotes a value. */
const living = new Set<WeakRef<Secret>>();

/** So many references may stand there until those to values that are gone are taken out. */
let most = 1_024;

function remember(secret: Secret): void {
  living.add(new WeakRef(secret));
  if (living.size <= most) return;
  for (const ref of living) if (ref.deref() === undefined) living.delete(ref);
  most = Math.max(1_024, 2 * living.size);
}

/** The value of a secret, or nothing where it is longer than that many characters: most texts are names, times and ids. */
let plainWithin: (secret: Secret, length: number) => string;

/** Text of others without any value that is in this process's memory; for every sink that people or files see. */
export function withoutValues(text: string): string {
  let left = text;
  for (const plain of plainValues(text.length)) {
    for (const form of formsOf(plain)) left = left.replaceAll(form, LABEL);
  }
  return left;
}

/**
 * Whether a value that is in this process's memory stands in a JSON text, plainly or in a usual encoding. May say so of
 * a text where it stands across two strings, never the other way round.
 */
export function holdsValue(json: string): boolean {
  for (const plain of plainValues(json.length)) {
    const escaped = JSON.stringify(plain).slice(1, -1);
    if (json.includes(escaped) || formsOf(plain).some((form) => json.includes(form))) return true;
  }
  return false;
}

/** The values in memory that a text of that length can hold: each once, because a value that is opened anew is a new object. */
function plainValues(length: number): ReadonlySet<string> {
  const found = new Set<string>();
  for (const ref of living) {
    const secret = ref.deref();
    if (secret === undefined) living.delete(ref);
    else found.add(plainWithin(secret, length));
  }
  found.delete("");
  return found;
}

/** How a value may stand in a text. No form is shorter than the value itself. */
function formsOf(plain: string): readonly string[] {
  const bytes = Buffer.from(plain, "utf8");
  return [plain, encodeURIComponent(plain), ...ENCODINGS.map((encoding) => bytes.toString(encoding))];
}

/**
 * A credential's value in memory. Whatever prints, joins or serialises it gets `[secret]`; only {@link Secret.reveal}
 * gives the text, and a lint rule keeps that call inside `vendors/` and `sealing/`.
 *
 * A `Buffer` is held, not a string, because a buffer can be zeroed ({@link Secret.wipe}); the strings that `reveal`
 * hands out cannot, which SECURITY.md states as a limit.
 */
export class Secret {
  static {
    plainWithin = (secret, length) => {
      // A character takes three bytes at most for each of its UTF-16 units.
      if (secret.#bytes.length > 3 * length) return "";
      const plain = secret.#bytes.toString("utf8");
      return plain.length > length ? "" : plain;
    };
  }

  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (bytes.length >= SHORTEST_TOLD) remember(this);
  }

  /** Wraps a value that was just obtained from outside. */
  static of(text: string): Secret {
    return new Secret(Buffer.from(text, "utf8"));
  }

  /** The value itself. For `vendors/` and `sealing/` only. */
  reveal(): string {
    return this.#bytes.toString("utf8");
  }

  /** Whether both hold the same text, in constant time for equal lengths. */
  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes);
  }

  /** Whether the text as a whole matches the source of a regular expression. */
  hasShape(source: string): boolean {
    return new RegExp(`^(?:${source})$`).test(this.#bytes.toString("utf8"));
  }

  /** Another one of the same text, which lives on when this one is wiped. */
  copy(): Secret {
    return new Secret(Buffer.from(this.#bytes));
  }

  /** Overwrites the held bytes with zeros. */
  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return LABEL;
  }

  toJSON(): string {
    return LABEL;
  }

  [INSPECTED](): string {
    return LABEL;
  }
}

/** The fields of one credential in memory: one for a token, two for a key pair. */
export type Values = Readonly<Record<string, Secret>>;
