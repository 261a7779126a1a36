import { timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const LABEL = "[secret]";

/** Shorter texts stand in ordinary words too often to be taken out of them. */
const SHORTEST_TOLD = 8;
const ENCODINGS = ["base64", "base64url", "hex"] as const;

/** All values in this process, weakly: the second line of defence, for text of others that quotes a value. */
const living = new Set<WeakRef<Secret>>();

/** Text of others without any value that is in this process's memory; for every sink that people or files see. */
export function withoutValues(text: string): string {
  let left = text;
  for (const ref of living) {
    const secret = ref.deref();
    if (secret) left = secret.takenOutOf(left);
    else living.delete(ref);
  }
  return left;
}

/**
 * A credential's value in memory. Whatever prints, joins or serialises it gets `[secret]`; only {@link Secret.reveal}
 * gives the text, and a lint rule keeps that call inside `vendors/` and `sealing/`.
 *
 * A `Buffer` is held, not a string, because a buffer can be zeroed ({@link Secret.wipe}); the strings that `reveal`
 * hands out cannot, which SECURITY.md states as a limit.
 */
export class Secret {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (bytes.length >= SHORTEST_TOLD) living.add(new WeakRef(this));
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

  /** Overwrites the held bytes with zeros. */
  wipe(): void {
    this.#bytes.fill(0);
  }

  /** The text without this value, whether it stands there plainly or in a usual encoding. */
  takenOutOf(text: string): string {
    const plain = this.#bytes.toString("utf8");
    // No form is shorter than the value itself, and most texts are: names, times, ids.
    if (text.length < plain.length) return text;
    const forms = [
      plain,
      encodeURIComponent(plain),
      ...ENCODINGS.map((encoding) => this.#bytes.toString(encoding)),
    ];
    return forms.reduce((left, form) => left.replaceAll(form, LABEL), text);
  }

  toString(): string {
    return LABEL;
  }

  toJSON(): string {
    return LABEL;
  }

  [inspect.custom](): string {
    return LABEL;
  }
}

/** The fields of one credential in memory: one for a token, two for a key pair. */
export type Values = Readonly<Record<string, Secret>>;
