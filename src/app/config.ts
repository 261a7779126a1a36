import { z } from "zod";
import { LockstepError } from "../core/errors.ts";
import type { ProofGrade } from "../core/outcome.ts";
import { ASSURANCES, ROLES } from "../core/record.ts";
import { durationOf } from "../core/time.ts";
import { INTERLOCKS, ISSUERS, PROBES, STORES, VENDORS } from "./adapters.ts";
import { absent, type Mistake, mistakesIn, pathText, understood } from "./config-mistake.ts";
import { notify, notifyMistakes, slackMember } from "./notify-config.ts";

/** `30m`, `24h`, `90d`: read into milliseconds. */
const duration = z.string().transform((text, ctx) => {
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  ctx.addIssue({ code: "custom", message: "a duration such as 30m, 24h or 90d" });
  return z.NEVER;
});

const fromEnvironment = z.strictObject({
  env: z.string().regex(/^\w+$/, "the name of an environment variable"),
});
const fromSecret = z.strictObject({ secret: z.string() });
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and dashes");

const connection = z.strictObject({
  vendor: z.enum(Object.keys(VENDORS) as [string, ...string[]]),
  url: z.url({ protocol: /^https?$/ }).optional(),
  headers: z.record(z.string(), z.union([z.string(), fromEnvironment], 'text, or env("NAME")')).optional(),
  /** A page needs none. */
  credential: z
    .union(
      [fromSecret, z.record(z.string(), fromEnvironment)],
      'each field from the environment, such as { token: env("NAME") }, or { secret: "name" } of a managed one',
    )
    .default({}),
});

const consumer = z.strictObject({
  name: z.string(),
  reads: z.string(),
  /** A consumer that fetches the value itself, such as a shell's bootstrap. */
  pulls: z.boolean().default(false),
});

/** An adapter's entry: its own fields are checked by the adapter's schema once its kind is known. */
const placed = z.looseObject({ kind: z.string(), connection: z.string() });

const secret = z.strictObject({
  system: z.string(),
  /** Nobody is what `init` leaves to be filled in. */
  owner: z.string().regex(/^(?!<[^<>]*>$).*\S/, "a person or a team that answers for it"),
  role: z.enum(ROLES),
  assurance: z.enum(ASSURANCES).default("local user"),
  environment: z.enum(["production", "staging", "development"]),
  cadence: duration,
  sop: z.string().optional(),
  issuer: placed,
  vault: placed,
  destinations: z.array(z.array(placed)).default([]),
  consumers: z.array(consumer).default([]),
  soak: duration.default(30 * 60_000),
  steady: duration.default(120_000),
  drain: duration.default(4 * 3_600_000),
  revokeWithin: duration.default(3_600_000),
  leastProof: z.enum(["receipt", "behaviour", "value"]).default("receipt"),
  propagation: duration.default(60_000),
});

/** An interlock's entry: its own fields are checked by the adapter's schema once its kind is known. */
const interlock = z.looseObject({
  ...placed.shape,
  /** Who may open it; whoever has the role ops may close it. */
  role: z.enum(ROLES).default("superadmin"),
  within: duration.default(10 * 60_000),
  /** What must be proved besides while it stands so. */
  probes: z.strictObject({ closed: placed.optional(), open: placed.optional() }).default({}),
});

/** A person by the name of the operating system's user. */
const operator = z.strictObject({
  role: z.enum(ROLES),
  email: z.email().optional(),
  slack: slackMember.optional(),
});

const shape = z.strictObject({
  operators: z.record(z.string(), operator).optional(),
  notify: notify.optional(),
  connections: z.record(name, connection),
  secrets: z.record(name, secret),
  interlocks: z.record(name, interlock).default({}),
});

/** The configuration after checking. */
export type Config = z.output<typeof shape>;
/** One secret of it. */
export type SecretConfig = Config["secrets"][string];
/** One connection of it. */
export type ConnectionConfig = Config["connections"][string];
/** One interlock of it. */
export type InterlockConfig = Config["interlocks"][string];
/** An entry of an adapter. */
export type Placed = z.output<typeof placed>;

/** A configuration as far as it is understood: what has a mistake is absent, and what is right beside it is there. */
export type Partly<T> = T extends object ? { readonly [K in keyof T]?: Partly<T[K]> | undefined } : T;

/** Checks a whole configuration, which was read from `file`; throws CONFIG_INVALID with every mistake at once. Values of fields are never repeated beyond their type where they may be secret. */
export function checkConfig(input: unknown, file = "lockstep.config.ts"): Config {
  const parsed = shape.safeParse(input);
  const issues = parsed.error?.issues ?? [];
  const wrong = issues.flatMap((issue) => mistakesIn(issue, input, [], shape));
  const known = (parsed.success ? parsed.data : (understood(shape, input) ?? {})) as Partly<Config>;
  const paths = new Set(wrong.map(({ path }) => path));
  const people = issues.some(({ path }) => path[0] === "operators") ? undefined : (known.operators ?? {});
  const mistakes = [
    ...wrong,
    // Of one place one mistake is told: what is wrong in itself looks as if it were not there.
    ...[...contextMistakes(known), ...notifyMistakes(known, people)].filter(({ path }) => !paths.has(path)),
  ];
  if (!parsed.success || mistakes.length > 0) throw invalid(mistakes, file);
  return parsed.data;
}

/** What is wrong beside the rest: names that lead nowhere, and what the adapters and vendors say of their fields. */
function contextMistakes(config: Partly<Config>): readonly Mistake[] {
  return [
    ...Object.entries(config.secrets ?? {}).flatMap(([id, one]) => mistakesOf(config, id, one ?? {})),
    ...Object.entries(config.interlocks ?? {}).flatMap(([id, one]) =>
      mistakesOfInterlock(config, id, one ?? {}),
    ),
    ...Object.entries(config.connections ?? {}).flatMap(([id, one]) =>
      mistakesOfConnection(config, id, one ?? {}),
    ),
  ];
}

function mistakesOfConnection(
  { secrets }: Partly<Config>,
  id: string,
  { vendor: named = "", url, credential }: Partly<ConnectionConfig>,
): readonly Mistake[] {
  const vendor = VENDORS[named];
  const mistakes: Mistake[] = [];
  if (url === undefined && vendor?.defaultUrl === "")
    mistakes.push(
      absent(["connections", id, "url"], undefined, [`an address: ${named} has none of its own`]),
    );
  if (credential === undefined) return mistakes;
  const at = ["connections", id, "credential"];
  if ("secret" in credential && typeof credential["secret"] === "string") {
    const secret = credential["secret"];
    if (secrets && !Object.hasOwn(secrets, secret))
      mistakes.push(absent([...at, "secret"], secret, Object.keys(secrets)));
    return mistakes;
  }
  // The vendor says which fields its credential has; what stands in them is read only when a run needs it.
  const given = Object.fromEntries(Object.keys(credential).map((field) => [field, "from the environment"]));
  const parsed = vendor?.connection.safeParse(given);
  for (const issue of parsed?.error?.issues ?? [])
    mistakes.push(...mistakesIn(issue, credential, at, vendor?.connection));
  return mistakes;
}

function mistakesOf(config: Partly<Config>, secretName: string, one: Partly<SecretConfig>): Mistake[] {
  const places = placesOf(secretName, one);
  return [
    ...fieldMistakes(one, places),
    ...twinMistakes(places.filter(({ kinds }) => kinds === STORES)),
    ...places.flatMap(({ path, entry, kinds }) => {
      const { kind, connection: _connection, ...own } = entry;
      const mistakes = entryMistakes(config, path, entry, own, kinds);
      const known = kind === undefined ? undefined : kinds[kind];
      if (known !== undefined && "canonical" in known && known.config.safeParse(own).success)
        mistakes.push(...proofMistakes(one, known.capabilities(own).grade, path));
      return mistakes;
    }),
  ];
}

/** An adapter's entry with where it stands, as far as it is understood. */
interface Place {
  readonly path: readonly PropertyKey[];
  readonly entry: Partly<Placed>;
  readonly kinds: typeof ISSUERS | typeof STORES;
}

/** The issuer, the vault and the destinations. */
function placesOf(secretName: string, { issuer, vault, destinations = [] }: Partly<SecretConfig>): Place[] {
  const at = ["secrets", secretName];
  const found = (path: readonly PropertyKey[], entry: Partly<Placed> | undefined, kinds: Place["kinds"]) =>
    entry ? [{ path: [...at, ...path], entry, kinds }] : [];
  return [
    ...found(["issuer"], issuer, ISSUERS),
    ...found(["vault"], vault, STORES),
    ...destinations.flatMap((wave, w) =>
      (wave ?? []).flatMap((entry, i) => found(["destinations", w, i], entry, STORES)),
    ),
  ];
}

/** What the lists of adapters have in common. */
type Kinds = Readonly<Record<string, { readonly vendor: string; readonly config: z.ZodType }>>;

/** Its kind is known, its connection leads to that vendor, and its own fields are right. */
function entryMistakes(
  { connections }: Partly<Config>,
  path: readonly PropertyKey[],
  { kind, connection }: Partly<Placed>,
  own: object,
  kinds: Kinds,
): Mistake[] {
  if (kind === undefined) return [];
  const known = kinds[kind];
  if (!known) return [absent([...path, "kind"], kind, Object.keys(kinds))];
  const mistakes: Mistake[] = [];
  if (connections && connection !== undefined) {
    const vendor = connections[connection]?.vendor;
    if (!Object.hasOwn(connections, connection))
      mistakes.push(absent([...path, "connection"], connection, Object.keys(connections)));
    else if (vendor !== undefined && vendor !== known.vendor) {
      mistakes.push({
        path: pathText([...path, "connection"]),
        found: `${connection}, of ${vendor}`,
        allowed: `a connection of ${known.vendor}`,
      });
    }
  }
  const parsed = known.config.safeParse(own);
  if (!parsed.success)
    mistakes.push(...parsed.error.issues.flatMap((issue) => mistakesIn(issue, own, path, known.config)));
  return mistakes;
}

function mistakesOfInterlock(
  config: Partly<Config>,
  interlockName: string,
  one: Partly<InterlockConfig>,
): Mistake[] {
  const at = ["interlocks", interlockName];
  const probes = Object.entries(one.probes ?? {}).flatMap(([position, entry]) => {
    if (entry === undefined) return [];
    const { kind: _kind, connection: _connection, ...own } = entry;
    return entryMistakes(config, [...at, "probes", position], entry, own, PROBES);
  });
  return [...entryMistakes(config, at, one, ownOf(one), INTERLOCKS), ...probes];
}

/** The fields of an interlock's entry that are its adapter's. */
export function ownOf(entry: Partly<InterlockConfig>): object {
  const {
    kind: _kind,
    connection: _connection,
    role: _role,
    within: _within,
    probes: _probes,
    ...own
  } = entry;
  return own;
}

/** Steps, records and sweeps know a copy by the words for its place, so that two in the same words would be taken for one. */
function twinMistakes(places: readonly Place[]) {
  const first = new Map<string, readonly PropertyKey[]>();
  return places.flatMap(({ path, entry: { kind = "", connection: _connection, ...own } }): Mistake[] => {
    const store = STORES[kind];
    if (!store?.config.safeParse(own).success) return [];
    return store.describe(own).places.flatMap((place) => {
      const other = first.get(place);
      if (other === undefined) first.set(place, path);
      return other === undefined
        ? []
        : [
            {
              path: pathText(path),
              found: `${place}, which ${pathText(other)} is called too`,
              allowed:
                "a place that no other copy is called by, also not in another project or on another server",
            },
          ];
    });
  });
}

/** From the weakest to the strongest. */
const GRADES: readonly ProofGrade[] = ["receipt", "behaviour", "value"];

/** A secret may demand a proof that a place cannot give. */
function proofMistakes(
  { leastProof }: Partly<SecretConfig>,
  grade: ProofGrade,
  path: readonly PropertyKey[],
): Mistake[] {
  if (leastProof === undefined || GRADES.indexOf(grade) >= GRADES.indexOf(leastProof)) return [];
  return [
    {
      path: pathText(path),
      found: `a copy that is proved by ${grade} only`,
      allowed: `proof by ${leastProof} or stronger, as leastProof says; for GitHub add "proof"`,
    },
  ];
}

/** All copies hold the fields of what the issuer makes, and the vault is a store whose values can be read. */
function fieldMistakes({ issuer, vault }: Partly<SecretConfig>, places: readonly Place[]): Mistake[] {
  const inOrder = (fields: readonly string[]) => fields.toSorted().join(", ");
  const made = ISSUERS[issuer?.kind ?? ""]?.fields ?? (vault && Object.keys(vault["fields"] ?? {}));
  const wanted = made && issuer?.kind !== undefined ? inOrder(made) : undefined;
  return places.flatMap(({ path, entry, kinds }) => {
    if (kinds !== STORES) return [];
    const mistakes: Mistake[] = [];
    const found = inOrder(Object.keys(entry["fields"] ?? {}));
    if (wanted !== undefined && found !== wanted)
      mistakes.push({
        path: pathText([...path, "fields"]),
        found: found || "nothing",
        allowed: `the fields of ${issuer?.kind}: ${wanted}`,
      });
    if (entry === vault && STORES[entry.kind ?? ""]?.canonical === false)
      mistakes.push(absent([...path, "kind"], entry.kind, canonicalKinds()));
    return mistakes;
  });
}

function canonicalKinds(): readonly string[] {
  return Object.values(STORES).flatMap(({ canonical, kind }) => (canonical ? [kind] : []));
}

function invalid(mistakes: readonly Mistake[], file: string): LockstepError {
  const lines = mistakes.map((one) => `${one.path}: found ${one.found}, allowed ${one.allowed}`);
  return new LockstepError({
    code: "CONFIG_INVALID",
    message: `The configuration has ${mistakes.length} mistake${mistakes.length === 1 ? "" : "s"}:\n${lines.join("\n")}`,
    because: "nothing is started on a configuration that is not understood completely",
    next: `lockstep doctor    after you have corrected ${file}`,
  });
}
