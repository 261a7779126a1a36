import type { VendorDefinition } from "../core/adapter.ts";
import type { Position } from "../core/interlock.ts";
import type { Clock, Milliseconds } from "../core/time.ts";

/** Fields in plain text, of a simulated vendor only: the suites search everything that comes out of an adapter for them. */
export type PlainValues = Readonly<Record<string, string>>;

/** A simulated vendor with state, the same each time it is made: same ids, same values, same time. */
export interface VendorWorld {
  /** What the client is connected to; nothing is sent there but through {@link VendorWorld.send}. */
  readonly baseUrl: string;
  /** The access that the adapter works with, as the vendor's connection names its fields. */
  readonly credential: PlainValues;
  /** Sent with every call, e.g. an access proxy's. */
  readonly headers?: PlainValues;
  /** The vendor's time. */
  readonly clock: Clock;
  /** The vendor's door. */
  send(request: Request): Promise<Response>;
  /** Lets that much of the vendor's time pass. */
  pass(ms: Milliseconds): Promise<void>;
  /** How the vendor itself refuses with this status (401, 403, 404, 409, 422, 429, 500), in its own shape, with this text in it. */
  refusal(status: number, text: string): Response | Promise<Response>;
}

/** A credential that the simulated vendor accepts now. */
export interface LivingCredential {
  readonly id: string;
  readonly values: PlainValues;
}

/** A simulated issuer. */
export interface IssuerWorld<Config> extends VendorWorld {
  /** What the adapter is connected with. */
  readonly config: Config;
  /** The credential that is to be rotated. */
  readonly present: LivingCredential;
  /** Values of the right form that were never issued. */
  readonly stranger: PlainValues;
  /** The truth: all that live now, {@link IssuerWorld.present} and at least one other among them. */
  living(): readonly LivingCredential[];
}

/** A simulated place that holds a value, filled from the beginning. */
export interface StoreWorld<Config> extends VendorWorld {
  /** What the adapter is connected with. Of several fields, where the store can hold several: else half a write cannot be shown. */
  readonly config: Config;
  /** The place's immutable id, where it has one. */
  readonly targetId?: string;
  /** What is written; another value in each field than the one that is there. */
  readonly next: PlainValues;
  /** What somebody else writes; a third value. */
  readonly other: PlainValues;
  /** Places of this kind that a survey of the access comes across; 1 where absent. */
  readonly copies?: number;
  /** The truth: what was last put there, field by field, whether or not it is in force yet. */
  held(): PlainValues;
  /** Somebody else puts these there. */
  put(values: PlainValues): void;
  /** The truth of a vault, which must have it: what was put beside the entry as its claim, if anything. */
  claim?(): string | undefined;
}

/** A simulated interlock: open at the beginning, and in force. */
export interface InterlockWorld<Config> extends VendorWorld {
  /** What the adapter is connected with. */
  readonly config: Config;
  /** The place's immutable id, where it has one. */
  readonly targetId?: string;
  /** Secret texts that lie beside it, where the adapter may come across them. */
  readonly beside?: PlainValues;
  /** The truth: where it was last set, whether or not it is in force yet. */
  position(): Position | "unknown";
  /** The truth: what those that consult it go by now; `unknown` where they differ. */
  consulted(): Position | "unknown";
  /** Somebody else sets it. */
  put(position: Position): void;
  /** Somebody else puts something there that means neither, where the place can hold such a thing. */
  jam?(): void;
}

/** A simulated place with something that a probe looks at, which is so at the beginning. */
export interface ProbeWorld<Config> extends VendorWorld {
  /** What the adapter is connected with. */
  readonly config: Config;
  /** Secret texts that the adapter may come across, such as what a query holds. */
  readonly beside?: PlainValues;
  /** Makes it so, or not so. */
  put(so: boolean): void;
  /** The truth, as a text that is another one when something has changed: no look does that. */
  truth(): string;
}

/** What all suites are given. */
interface Harness<Client, World> {
  readonly vendor: VendorDefinition<Client>;
  /** A fresh one. Each experiment has its own. */
  world(): Promise<World>;
  /** How much of the vendor's time it takes until what was written is in force and can be proved; 60 s where absent. */
  readonly settleMs?: Milliseconds;
  /** The deadline of calls that meet silence, in real time; 50 ms where absent. */
  readonly deadlineMs?: Milliseconds;
  /** Real time after which an operation counts as endless; 5 s where absent. */
  readonly endlessMs?: Milliseconds;
}

/** What {@link testIssuer} needs from whoever wrote the issuer. */
export type IssuerHarness<Config, Client> = Harness<Client, IssuerWorld<Config>>;

/** What {@link testStore} needs from whoever wrote the store. */
export type StoreHarness<Config, Client> = Harness<Client, StoreWorld<Config>>;

/** What {@link testInterlock} needs from whoever wrote the interlock. */
export type InterlockHarness<Config, Client> = Harness<Client, InterlockWorld<Config>>;

/** What {@link testProbe} needs from whoever wrote the probe. */
export type ProbeHarness<Config, Client> = Harness<Client, ProbeWorld<Config>>;
