import type { Credential, Fingerprints, Generation } from "../../../core/credential.ts";
import type { Trouble } from "../../../core/errors.ts";
import type { Facts } from "../../../core/facts.ts";
import type { Introspection } from "../../../core/issuer.ts";
import { done, type Liveness, type Outcome, type Sighting } from "../../../core/outcome.ts";
import type { SealedRecord } from "../../../core/sealed.ts";
import type { CopySnapshot, Snapshot } from "../../../core/snapshot.ts";
import type { Entry, Step, StepContext } from "../../../core/step.ts";
import type { Observation, Store } from "../../../core/store.ts";

/** When everything happens. */
export const AT = "2026-11-21T08:30:00.000Z";

/** What a vendor or a store says when it cannot say anything. */
export const TROUBLE: Trouble = {
  code: "VENDOR_UNREACHABLE",
  message: "no answer",
  because: "the test says so",
  next: "wait",
};

export const notDone: Outcome<never> = { is: "unknown", trouble: TROUBLE };
/** An answer that refuses, told apart from others by its code. */
export const refuses = (code: Trouble["code"]): Outcome<never> => ({
  is: "refused",
  trouble: { ...TROUBLE, code },
});

export const credential = (id: string): Credential => ({
  id,
  description: `description of ${id}`,
  scopes: [],
  createdAt: AT,
  account: "kris",
});
const sight = (is: Liveness): Sighting => ({ is, at: AT, says: `seen ${is}` });
export const holding = (fingerprints: Fingerprints): Outcome<Observation> =>
  done({ at: AT, present: true, changedAt: AT, fingerprints });

/** A copy that can be read, unless it is said otherwise. */
export const copy = (
  id: string,
  more: Partial<CopySnapshot> & { readonly read?: boolean } = {},
): CopySnapshot =>
  ({
    id,
    kind: "kind",
    vendor: "vendor",
    connection: id,
    target: id,
    places: [id],
    capabilities: { read: more.read ?? true, effectiveWhen: "at-once", grade: "value", surveys: "access" },
    ...more,
  }) as unknown as CopySnapshot;

/** How the world of a step stands; what is not said is as it should be. */
interface Given {
  readonly snapshot?: Partial<Snapshot>;
  /** By id: whether the issuer lists it. Others are not listed. */
  readonly listed?: Readonly<Record<string, Liveness>>;
  /** By id of the sealed value: whether the issuer accepts it. Others are accepted. */
  readonly accepted?: Readonly<Record<string, Liveness>>;
  readonly tagged?: readonly Outcome<readonly string[]>[];
  /** By id: how the end of it goes. Others end. */
  readonly ends?: Readonly<Record<string, Outcome<void>>>;
  readonly vault?: Partial<StepContext["vault"]>;
  readonly stores?: Readonly<Record<string, Partial<Store>>>;
  readonly issuer?: Partial<StepContext["issuer"]>;
  readonly ledger?: Partial<StepContext["ledger"]>;
  readonly sealed?: readonly SealedRecord[];
  readonly announced?: readonly string[];
  readonly known?: readonly Generation[];
  readonly who?: Introspection;
}

/** The world of one step: what it does to it is a list of lines, in order. */
export interface Scene {
  readonly c: StepContext;
  /** `end 22222222`, `drop s1`. */
  readonly log: string[];
}

export function scene(given: Given = {}): Scene {
  const log: string[] = [];
  const says = (line: string) => async () => void log.push(line);
  const snapshot = {
    secret: "key",
    flow: "rotate",
    issuer: { account: "kris", known: [], description: "key", target: "authorization" },
    vault: copy("vault"),
    waves: [[copy("app")], [copy("ci", { read: false })]],
    ...given.snapshot,
  } as unknown as Snapshot;
  const c = {
    run: "key.rotate.1",
    tag: "tag",
    actor: { name: "kris", assurance: "local user" },
    installation: "this",
    snapshot,
    issuer: issuerOf(given, log),
    vault: {
      observe: async () => holding({ token: "old" }),
      claim: async () => done({ installation: "this" }),
      openApprovals: async () => done([]),
      ready: async () => holding({ token: "new" }),
      survey: async () => done([]),
      ...given.vault,
    },
    store: (id: string) => ({
      observe: async () => holding({ token: "old" }),
      ready: async () => holding({ token: "new" }),
      survey: async () => done([]),
      write: async (values: unknown) => {
        log.push(`write ${id} ${Object.values(values as object)}`);
        return done(undefined);
      },
      ...given.stores?.[id],
    }),
    sealed: {
      // What is sealed stands for its own id.
      open: async (id: string) => ({ token: id }),
      find: async () => given.sealed ?? [],
      drop: async (id: string) => void log.push(`drop ${id}`),
      seal: async (purpose: string, _values: unknown, of: Credential) => {
        log.push(`seal ${purpose} ${of.id}`);
        return { id: "s1", fingerprints: { token: "new" } };
      },
    },
    ledger: {
      known: async () => given.known ?? [],
      generations: async () => given.known ?? [],
      current: async () => (given.known ?? []).find(({ state }) => state === "current"),
      receipts: async () => ({}),
      owe: async ({ id }: { readonly id: string }) => says(`owe ${id}`)(),
      settle: async (id: string) => says(`settle ${id}`)(),
      ...given.ledger,
    },
    announced: async (step: string) => (given.announced?.includes(step) ? AT : undefined),
    configured: async () => [],
    now: () => AT,
  };
  return { c: c as unknown as StepContext, log };
}

function issuerOf(given: Given, log: string[]) {
  const tagged = [...(given.tagged ?? [done([])])];
  return {
    isListed: async (id: string) => sight(given.listed?.[id] ?? "dead"),
    end: async (id: string) => {
      log.push(`end ${id}`);
      return given.ends?.[id] ?? done(undefined);
    },
    probe: async ({ token }: { readonly token: string }) => sight(given.accepted?.[token] ?? "alive"),
    introspect: async () => given.who ?? { is: "alive", account: "kris", federated: false, says: "" },
    findByTag: async () => {
      const found = (tagged.length > 1 ? tagged.shift() : tagged[0]) ?? notDone;
      return found.is === "done" ? done(found.value.map(credential)) : found;
    },
    ...given.issuer,
  };
}

/** The one step of a runbook's line. */
export function only(entry: Entry): Step {
  const one = entry.waves[0]?.[0];
  if (!one) throw new Error("a line without a step");
  return one;
}

/** Facts of a run that has written everything and ends the old key: `old` is 11111111, `pending` 22222222, sealed as o and n. */
export const FACTS = {
  checked: { sealed: "o", fingerprints: { token: "old" }, account: "kris", at: AT, says: "" },
  old: credential("11111111"),
  pending: { ref: credential("22222222"), sealed: "n", fingerprints: { token: "new" } },
  revoked: { id: "11111111", at: AT },
} as unknown as Facts;
