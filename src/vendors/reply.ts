import type { ErrorCode, Trouble } from "../core/errors.ts";
import type { NotDone } from "../core/outcome.ts";
import type { Instant, Milliseconds } from "../core/time.ts";

/** What the vendor itself said, in its own shape; absent from a failure that is not the vendor's word. */
export interface Said {
  readonly status: number;
  /** The vendor's name for the error: `not_found`, `TokenError`; empty where it gives none. */
  readonly id: string;
  /** Its message, cleaned and cut; for telling errors apart and for people. */
  readonly text: string;
  /** The kind of thing that the error is about, where the vendor says so: `authorization`. */
  readonly resource?: string;
  readonly requestId?: string;
}

/** A call that did not succeed. */
export type Failure = NotDone & { readonly said?: Said };

/** How a call ended: an `Outcome` that keeps what the vendor said. */
export type Answer<T> = { readonly is: "done"; readonly value: T } | Failure;

/** A successful reply in the vendor's own shape, its body not yet checked. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined for an empty body. */
  readonly body: unknown;
}

/** A call that is to be made. */
export interface Ask {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Path with placeholders, `/apps/{app}/config-vars`; it goes into the record of calls as it stands. */
  readonly route: string;
  /** What the placeholders stand for. */
  readonly params?: Readonly<Record<string, string>>;
  /** Fields, or the text of a URL that somebody else wrote, which is sent as it stands. */
  readonly query?: Readonly<Record<string, string>> | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Whether a lost reply may hide a change. */
  readonly effect: "read" | "write";
  /** Every secret text that goes along; no message that repeats one gets out. */
  readonly hidden: readonly string[];
}

/** What a refusal by the vendor comes to. */
type Refusal =
  | { readonly as: "limited"; readonly afterMs: Milliseconds }
  | { readonly as: "credential" }
  | { readonly as: "permission"; readonly needs?: string }
  | { readonly as: "missing" }
  /** A failure of the vendor's own, as a 5xx is. */
  | { readonly as: "unsure" }
  | { readonly as: "other" };

/** A reply as a dialect sees it. */
export interface RawReply extends Reply {
  readonly now: Instant;
}

/** How one vendor speaks: what marks a reply as its own, and what its errors mean. */
export interface Dialect {
  readonly vendor: string;
  /** For people: `Heroku`. */
  readonly label: string;
  /** Set for a vendor that only carries messages to people: no run depends on it, and `lockstep doctor` looks at it. */
  readonly forMessages?: true;
  /** The id that the vendor gave this reply, from headers or body. */
  requestId(reply: RawReply): string | undefined;
  /** Whether a reply below 400 carries the vendor's own marks; its body's structure is checked by the client. */
  isOwn(reply: RawReply): boolean;
  /** Whether a reply below 400 is an error all the same, which {@link error} then reads; absent where errors have a status. */
  saysNo?(reply: RawReply): boolean;
  /** What an error body says; undefined where the reply is not the vendor's own. */
  error(reply: RawReply): { id: string; text: string; resource?: string } | undefined;
  /** What an error of its own comes to. */
  refusal(reply: RawReply, error: { id: string; text: string }): Refusal;
  /** What the rate-limit headers say. */
  limits(reply: RawReply): { remaining?: number; blockedUntil?: Instant };
}

/** Trouble with a vendor, in the three sentences that every refusal has. */
export function trouble(code: ErrorCode, message: string, because: string, next: string): Trouble {
  return { code, message, because, next };
}

/** The same failure without what the vendor said, which no record needs. */
export function outcomeOf(failure: Failure): NotDone {
  const { said: _said, ...outcome } = failure;
  return outcome;
}
