import { timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const LABEL = "[secret]";

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

  [inspect.custom](): string {
    return LABEL;
  }
}

/** The fields of one credential in memory: one for a token, two for a key pair. */
export type Values = Readonly<Record<string, Secret>>;
