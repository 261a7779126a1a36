import type { Trouble } from "./errors.ts";
import type { Outcome } from "./outcome.ts";
import type { Escalation, RunId } from "./record.ts";
import type { Instant, Milliseconds } from "./time.ts";

/** The ways to a person. */
export type ChannelName = "slack" | "email";

/** What a message is made of; the channel gives it its form. No value is in it. */
export interface NoticeBody {
  readonly kind: Escalation["kind"];
  readonly secret: string;
  /** Of the secret; absent where the configuration no longer knows it. */
  readonly environment?: string;
  readonly run?: RunId;
  /** What happened, in one sentence. */
  readonly says: string;
  /** What is safe, in one sentence; the same as `lockstep show` says. */
  readonly state: string;
  /** The next command. */
  readonly next: string;
}

/** Somebody who is told, by one way. */
export interface Recipient {
  readonly channel: ChannelName;
  /** A Slack member id, or a mail address. */
  readonly address: string;
}

/** A message for one address. Event, channel and address together are its name, in every process and after every restart. */
export interface Notice extends Recipient {
  readonly event: string;
  readonly body: NoticeBody;
}

/** A message that is due and was taken by this process for a while. */
export interface DueNotice extends Notice {
  readonly at: Instant;
  /** Counts from 1; an earlier attempt may have arrived without anybody knowing. */
  readonly attempt: number;
  /** How many of the attempts before had no answer. */
  readonly unanswered: number;
}

/** The messages that are to be sent, shared by all processes of a database. */
export interface Outbox {
  /**
   * Takes the message of this channel that has waited longest, for `leaseMs`; nobody else is given it meanwhile. Ends on the way
   * what is too old (given up) or no longer true (a reminder of what was decided).
   */
  take(channel: ChannelName, leaseMs: Milliseconds): Promise<DueNotice | undefined>;
  /** It has arrived. */
  sent(notice: DueNotice): Promise<void>;
  /** It has not, or nobody knows (`unanswered`); it is due again after `afterMs`. Does nothing where another took it since. */
  again(
    notice: DueNotice,
    why: { readonly trouble: Trouble; readonly afterMs: Milliseconds; readonly unanswered: boolean },
  ): Promise<void>;
  /** It was sent several times without an answer, so it is left at that. */
  unsure(notice: DueNotice, trouble: Trouble): Promise<void>;
}

/** A way to people. */
export interface Channel {
  /**
   * Sends a message. Where `notice.attempt` is above 1 it looks first, as far as the channel can be looked at; it never throws.
   * `done`: it has arrived. `unknown`: it may have.
   */
  send(notice: DueNotice): Promise<Outcome<void>>;
  /** Whether these addresses can be written to; nothing is sent. */
  check(addresses: readonly string[]): Promise<Outcome<void>>;
}
