import { type Credential, type Fingerprints, type Generation, labelOf } from "../core/credential.ts";
import type { Trouble } from "../core/errors.ts";
import { guard } from "../core/guard.ts";
import type { Introspection } from "../core/issuer.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Receipt } from "../core/store.ts";
import type { Sweep } from "../core/sweep.ts";
import type { Instant } from "../core/time.ts";
import { accountIsTheConfiguredOne } from "./account.ts";
import { oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne } from "./old.ts";
import { oldMayBeEnded } from "./sweep.ts";

/** What a person pasted, as it is judged before anything is sealed for the run. */
export interface Pasted {
  /** Field names that are missing, too many, or of another shape than the issuer gives. */
  readonly misshapen: readonly string[];
  readonly fingerprints: Fingerprints;
  /** What the vault holds now. */
  readonly present: Fingerprints;
  /** Generations of any secret that share one of its values. */
  readonly known: readonly Generation[];
  readonly who: Introspection;
  readonly snapshot: Snapshot;
  readonly run: string;
}

/** Why a pasted value is not taken, by itself and by whom it answers as; the person is asked again (HK-24, X-08). */
export function objectionToPasted(pasted: Pasted): Trouble | undefined {
  const { misshapen, snapshot, who } = pasted;
  if (misshapen.length > 0)
    return notTaken(
      pasted,
      `${misshapen.join(", ")} is missing or has another shape than ${aOf(snapshot)} has`,
    );
  if (shares(pasted.fingerprints, pasted.present))
    return notTaken(pasted, `It is what ${snapshot.vault.target} holds already`);
  const [known] = pasted.known;
  if (known)
    return notTaken(
      pasted,
      `It is ${known.state} generation ${labelOf(known.fingerprints)} of ${known.secret}, ${known.credential.id.slice(0, 8)}…`,
    );
  if (who.is !== "alive") return notTaken(pasted, who.trouble.message);
  if (who.account !== snapshot.issuer.account)
    return notTaken(pasted, `It belongs to ${who.account}, not to ${snapshot.issuer.account}`);
  return undefined;
}

/** Any value in common: half a pair is as wrong as the whole. */
function shares(a: Fingerprints, b: Fingerprints): boolean {
  const values = new Set(Object.values(a));
  return Object.values(b).some((one) => values.has(one));
}

function aOf({ issuer }: Snapshot): string {
  return `a ${issuer.target}`;
}

/** A refusal after which the person is asked again. */
export function notTaken({ run, snapshot }: Pick<Pasted, "run" | "snapshot">, found: string): Trouble {
  return {
    code: "ANSWER_REFUSED",
    message: `The pasted value was not taken: ${found}`,
    because: `only a new ${snapshot.issuer.target} of ${snapshot.issuer.account} may go on from here; nothing was sent or kept`,
    next: `lockstep answer ${run}`,
  };
}

/** A present key that works is one of the configured account (P6); one that is refused says nothing of its account. */
export const accountIsOursIfAlive = guard(
  "a present key that works is of the configured account",
  ({
    facts,
    snapshot,
  }: {
    facts: { checked: { account: string; liveness?: "dead" } };
    snapshot: Snapshot;
  }) =>
    facts.checked.liveness === "dead" ? undefined : accountIsTheConfiguredOne.holds({ facts, snapshot }),
);

/** What is seen before the former credential is ended; undefined where there is nothing to end. */
export interface FormerSeen {
  readonly ending: Fingerprints;
  readonly seen: Sweep & { readonly livingAccount: string };
}

interface Former {
  readonly facts: {
    readonly old: Credential;
    readonly canonical: Receipt;
    readonly copies: Readonly<Record<string, Receipt>>;
    readonly pending: { readonly ref: Credential; readonly fingerprints: Fingerprints };
    readonly checked: { readonly open?: Readonly<Record<string, readonly string[]>> };
  };
  readonly observed: FormerSeen | undefined;
  readonly snapshot: Snapshot;
  readonly now: Instant;
}

/** The same conditions as for any rotation, wherever there is a former credential to end. */
export const formerMayBeEnded = [
  ...[oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne].map((one) =>
    guard(one.name, ({ facts, observed, snapshot }: Former) =>
      observed ? one.holds({ facts, snapshot }) : undefined,
    ),
  ),
  ...oldMayBeEnded.map((one) =>
    guard(one.name, ({ facts, observed, ...rest }: Former) =>
      observed
        ? one.holds({
            facts: { ...facts, checked: { ...facts.checked, fingerprints: observed.ending } },
            observed: observed.seen,
            ...rest,
          })
        : undefined,
    ),
  ),
];
