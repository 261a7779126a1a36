import { labelOf, sameFingerprints } from "../core/credential.ts";
import type { Liveness } from "../core/outcome.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { copiesOf } from "../core/snapshot.ts";
import type { StepContext } from "../core/step.ts";
import { sweep } from "../core/sweep.ts";
import type { Home } from "./home.ts";
import { readOnlyContext } from "./read-only.ts";
import { planFor } from "./runs.ts";

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
  /** What our accesses may not look at, in words. */
  readonly notVisible: readonly string[];
  readonly ok: boolean;
}

/** Looks at all copies and consumers of a secret again; read only, and no record of it decides anything. */
export async function verifySecret(home: Home, secret: string, sandbox: boolean): Promise<Verified> {
  const { snapshot } = planFor(home.config, { secret, flow: "test", reason: "scheduled", sandbox });
  const c = readOnlyContext(home, snapshot);
  const read = await c.vault.read();
  if (read.is !== "done") {
    const vault = { is: "unknown", label: null, says: read.trouble.message } as const;
    return { secret, vault, places: [], undeclared: [], notVisible: [], ok: false };
  }
  const { values } = read.value;
  const wanted = c.fingerprint(values);
  const [who, seen, ready] = await Promise.all([
    c.issuer.introspect(values),
    sweep(c, "holds"),
    readiness(c, snapshot),
  ]);
  if (seen.is !== "done") throw new Error("a sweep ended without a result");
  const places = copiesOf(snapshot).map((copy): PlaceFound => {
    const { target } = copy;
    const held = seen.value.copies[copy.id];
    const trouble = ready.trouble[copy.id];
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
  const fine = places.every(({ state }) => state === "agrees" || state === "not readable");
  return {
    secret,
    vault: { is: who.is, label: labelOf(wanted), says },
    places,
    undeclared,
    notVisible: ready.open,
    ok: who.is === "alive" && fine && undeclared.length === 0 && Object.keys(ready.trouble).length === 0,
  };
}

/** What is not at rest by copy id (a failed or pending release, a crashed process, a shadow), and what cannot be seen. */
async function readiness(c: StepContext, snapshot: Snapshot) {
  const answers = await Promise.all(
    copiesOf(snapshot).map(async (copy) => ({ id: copy.id, answer: await c.store(copy.id).ready() })),
  );
  const trouble: Record<string, string> = {};
  const open = new Set<string>();
  for (const { id, answer } of answers) {
    if (answer.is === "done") for (const one of answer.value.open) open.add(one);
    else trouble[id] = answer.trouble.message;
  }
  return { trouble, open: [...open] };
}
