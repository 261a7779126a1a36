import { labelOf, sameFingerprints } from "../core/credential.ts";
import { forSecret, type Trouble } from "../core/errors.ts";
import type { Introspection } from "../core/issuer.ts";
import type { Liveness } from "../core/outcome.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { copiesOf } from "../core/snapshot.ts";
import type { StepContext } from "../core/step.ts";
import { sweep } from "../core/sweep.ts";
import type { Finding } from "../db/findings.ts";
import type { Home } from "./home.ts";
import { readOnlyContext } from "./read-only.ts";
import { planFor } from "./runs.ts";
import { closeShownGone } from "./shown-gone.ts";

/** How one place stands against the vault. */
interface PlaceFound {
  readonly target: string;
  readonly state: "agrees" | "differs" | "absent" | "not readable" | "unknown";
  /** Label of what it holds, where that can be read. */
  readonly label: string | null;
  readonly says: string;
}

/** What `verify` saw. */
export interface Verified {
  readonly secret: string;
  /** Whether the vault's key is accepted by its issuer. */
  readonly vault: { readonly is: Liveness; readonly label: string | null; readonly says: string };
  readonly places: readonly PlaceFound[];
  /** Places that hold the vault's value and that the configuration does not name. */
  readonly undeclared: readonly string[];
  /** What our accesses may not look at, or could not, in words. */
  readonly notVisible: readonly string[];
  /** Findings that this look has closed: their credential is gone. */
  readonly closed: readonly Pick<Finding, "id" | "says">[];
  readonly ok: boolean;
  /** What sets right what is in the way of everything else; null where nothing is wrong. */
  readonly next: string | null;
}

/** Looks at all copies and consumers of a secret again, and closes what was found of credentials that are gone; changes no place. */
export async function verifySecret(home: Home, secret: string, sandbox: boolean): Promise<Verified> {
  const { snapshot } = planFor(home.config, { secret, flow: "test", reason: "scheduled", sandbox });
  const c = readOnlyContext(home, snapshot);
  const read = await c.vault.read();
  if (read.is !== "done") {
    const vault = { is: "unknown", label: null, says: read.trouble.message } as const;
    const { next } = forSecret(read.trouble, secret);
    return { secret, vault, places: [], undeclared: [], notVisible: [], closed: [], ok: false, next };
  }
  const { values } = read.value;
  const wanted = c.fingerprint(values);
  const [who, seen, ready, closed] = await Promise.all([
    c.issuer.introspect(values),
    sweep(c, "holds"),
    readiness(c, snapshot),
    closeShownGone(home, c),
  ]);
  if (seen.is !== "done") throw new Error("a sweep ended without a result");
  const places = copiesOf(snapshot).map((copy): PlaceFound => {
    const { target } = copy;
    const held = seen.value.copies[copy.id];
    const trouble = ready.trouble[copy.id]?.message;
    if (!held)
      return { target, state: "unknown", label: null, says: seen.value.unseen[copy.id] ?? "not seen" };
    if (!held.present) return { target, state: "absent", label: null, says: "nothing is there" };
    if (!held.fingerprints) {
      const says =
        trouble ?? `last changed ${held.changedAt ?? "at an unknown time"}; its value cannot be read`;
      return { target, state: "not readable", label: null, says };
    }
    const same = sameFingerprints(held.fingerprints, wanted);
    return {
      target,
      state: same ? "agrees" : "differs",
      label: labelOf(held.fingerprints),
      says: trouble ?? (same ? "holds the vault's value; its consumers are at rest" : "holds another value"),
    };
  });
  const own = new Set(Object.values(wanted));
  const undeclared = seen.value.elsewhere
    .filter(({ fingerprint }) => fingerprint !== undefined && own.has(fingerprint))
    .map((one) => one.place);
  const says = who.is === "alive" ? who.says : who.trouble.message;
  const next = nextFor(secret, { who, undeclared, troubles: Object.values(ready.trouble), places });
  const unsurveyed = Object.entries(seen.value.unseen).filter(([what]) => what.startsWith("survey of "));
  return {
    secret,
    vault: { is: who.is, label: labelOf(wanted), says },
    places,
    undeclared,
    notVisible: [...ready.open, ...unsurveyed.map(([what, why]) => `${what}: ${why}`)],
    closed: closed.map(({ id, says: found }) => ({ id, says: found })),
    ok: next === null,
    next,
  };
}

/** In the order in which it can be set right: a rotation does not begin, or does not end the old key, before all but the last. */
function nextFor(
  secret: string,
  found: {
    readonly who: Introspection;
    readonly undeclared: readonly string[];
    readonly troubles: readonly Trouble[];
    readonly places: readonly PlaceFound[];
  },
): string | null {
  const { who, undeclared, troubles, places } = found;
  const [trouble] = who.is === "unknown" ? [who.trouble] : troubles;
  if (who.is === "dead")
    return `lockstep rotate ${secret} --supplied    a person puts a key that works in its place`;
  if (undeclared.length > 0)
    return `lockstep verify ${secret}    after you have removed it from ${undeclared.join(" and ")}, or declared that as a destination`;
  if (trouble) return forSecret(trouble, secret).next;
  if (places.some(({ state }) => state === "unknown"))
    return "lockstep doctor    says which connection does not work";
  if (places.some(({ state }) => state === "differs" || state === "absent"))
    return `lockstep plan ${secret}    a rotation writes every copy anew`;
  return null;
}

/** What is not at rest by copy id (a failed or pending release, a crashed process, a shadow), and what cannot be seen. */
async function readiness(c: StepContext, snapshot: Snapshot) {
  const answers = await Promise.all(
    copiesOf(snapshot).map(async (copy) => ({ id: copy.id, answer: await c.store(copy.id).ready() })),
  );
  const trouble: Record<string, Trouble> = {};
  const open = new Set<string>();
  for (const { id, answer } of answers) {
    if (answer.is === "done") for (const one of answer.value.open) open.add(one);
    else trouble[id] = answer.trouble;
  }
  return { trouble, open: [...open] };
}
