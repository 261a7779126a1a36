import { z } from "zod";
import { LockstepError } from "../core/errors.ts";
import type { ProofGrade } from "../core/outcome.ts";
import { ASSURANCES, ROLES } from "../core/record.ts";
import { durationOf } from "../core/time.ts";
import { INTERLOCKS, ISSUERS, PROBES, STORES, VENDORS } from "./adapters.ts";
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
  headers: z.record(z.string(), z.union([z.string(), fromEnvironment])).optional(),
  /** A page needs none. */
  credential: z.union([fromSecret, z.record(z.string(), fromEnvironment)]).default({}),
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
  owner: z.string(),
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

/** One mistake: where, what stands there, what is allowed. */
interface Mistake {
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

/** Checks a whole configuration; throws CONFIG_INVALID with every mistake at once. Values of fields are never repeated beyond their type where they may be secret. */
export function checkConfig(input: unknown): Config {
  const parsed = shape.safeParse(input);
  if (!parsed.success)
    throw invalid(parsed.error.issues.flatMap((issue) => mistakesIn(issue, input, [], shape)));
  const config = parsed.data;
  const mistakes = Object.entries(config.secrets).flatMap(([secretName, one]) =>
    mistakesOf(config, secretName, one),
  );
  for (const [interlockName, one] of Object.entries(config.interlocks))
    mistakes.push(...mistakesOfInterlock(config, interlockName, one));
  for (const [id, { vendor, url, credential }] of Object.entries(config.connections)) {
    if (url === undefined && VENDORS[vendor]?.defaultUrl === "")
      mistakes.push(
        absent(["connections", id, "url"], undefined, [`an address: ${vendor} has none of its own`]),
      );
    if ("secret" in credential && typeof credential["secret"] === "string") {
      if (!config.secrets[credential["secret"]]) {
        mistakes.push(
          absent(
            ["connections", id, "credential", "secret"],
            credential["secret"],
            Object.keys(config.secrets),
          ),
        );
      }
      continue;
    }
    // The vendor says which fields its credential has; what stands in them is read only when a run needs it.
    const named = Object.fromEntries(Object.keys(credential).map((field) => [field, "from the environment"]));
    const parsed = VENDORS[vendor]?.connection.safeParse(named);
    for (const issue of parsed?.error?.issues ?? [])
      mistakes.push(
        ...mistakesIn(issue, credential, ["connections", id, "credential"], VENDORS[vendor]?.connection),
      );
  }
  mistakes.push(...notifyMistakes(config));
  if (mistakes.length > 0) throw invalid(mistakes);
  return config;
}

function mistakesOf(config: Config, secretName: string, one: SecretConfig): Mistake[] {
  const at = ["secrets", secretName];
  const places = [
    { path: [...at, "issuer"], entry: one.issuer, kinds: ISSUERS },
    { path: [...at, "vault"], entry: one.vault, kinds: STORES },
    ...one.destinations.flatMap((wave, w) =>
      wave.map((entry, i) => ({ path: [...at, "destinations", w, i], entry, kinds: STORES })),
    ),
  ];
  return [
    ...fieldMistakes(secretName, one),
    ...twinMistakes(places.filter(({ kinds }) => kinds === STORES)),
    ...places.flatMap(({ path, entry, kinds }) => {
      const { kind: _kind, connection: _connection, ...own } = entry;
      const mistakes = entryMistakes(config, path, entry, own, kinds);
      const known = kinds[entry.kind];
      if (known !== undefined && "canonical" in known && known.config.safeParse(own).success)
        mistakes.push(...proofMistakes(one, known.capabilities(own).grade, path));
      return mistakes;
    }),
  ];
}

/** What the lists of adapters have in common. */
type Kinds = Readonly<Record<string, { readonly vendor: string; readonly config: z.ZodType }>>;

/** Its kind is known, its connection leads to that vendor, and its own fields are right. */
function entryMistakes(
  config: Config,
  path: readonly PropertyKey[],
  entry: Placed,
  own: object,
  kinds: Kinds,
): Mistake[] {
  const known = kinds[entry.kind];
  if (!known) return [absent([...path, "kind"], entry.kind, Object.keys(kinds))];
  const mistakes: Mistake[] = [];
  const through = config.connections[entry.connection];
  if (!through)
    mistakes.push(absent([...path, "connection"], entry.connection, Object.keys(config.connections)));
  else if (through.vendor !== known.vendor) {
    mistakes.push({
      path: text([...path, "connection"]),
      found: `${entry.connection}, of ${through.vendor}`,
      allowed: `a connection of ${known.vendor}`,
    });
  }
  const parsed = known.config.safeParse(own);
  if (!parsed.success)
    mistakes.push(...parsed.error.issues.flatMap((issue) => mistakesIn(issue, own, path, known.config)));
  return mistakes;
}

function mistakesOfInterlock(config: Config, interlockName: string, one: InterlockConfig): Mistake[] {
  const at = ["interlocks", interlockName];
  const probes = Object.entries(one.probes).flatMap(([position, entry]) => {
    if (entry === undefined) return [];
    const { kind: _kind, connection: _connection, ...own } = entry;
    return entryMistakes(config, [...at, "probes", position], entry, own, PROBES);
  });
  return [...entryMistakes(config, at, one, ownOf(one), INTERLOCKS), ...probes];
}

/** The fields of an interlock's entry that are its adapter's. */
export function ownOf(entry: InterlockConfig): object {
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
function twinMistakes(places: readonly { readonly path: readonly PropertyKey[]; readonly entry: Placed }[]) {
  const first = new Map<string, readonly PropertyKey[]>();
  return places.flatMap(({ path, entry: { kind, connection: _connection, ...own } }): Mistake[] => {
    const store = STORES[kind];
    if (!store?.config.safeParse(own).success) return [];
    return store.describe(own).places.flatMap((place) => {
      const other = first.get(place);
      if (other === undefined) first.set(place, path);
      return other === undefined
        ? []
        : [
            {
              path: text(path),
              found: `${place}, which ${text(other)} is called too`,
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
function proofMistakes(one: SecretConfig, grade: ProofGrade, path: readonly PropertyKey[]): Mistake[] {
  if (GRADES.indexOf(grade) >= GRADES.indexOf(one.leastProof)) return [];
  return [
    {
      path: text(path),
      found: `a copy that is proved by ${grade} only`,
      allowed: `proof by ${one.leastProof} or stronger, as leastProof says; for GitHub add "proof"`,
    },
  ];
}

/** All copies hold the fields of what the issuer makes, and the vault is a store whose values can be read. */
function fieldMistakes(secretName: string, one: SecretConfig): Mistake[] {
  const inOrder = (fields: readonly string[]) => fields.toSorted().join(", ");
  const wanted = inOrder(ISSUERS[one.issuer.kind]?.fields ?? Object.keys(one.vault["fields"] ?? {}));
  const places = [
    { path: "vault", entry: one.vault },
    ...one.destinations.flatMap((wave, w) =>
      wave.map((entry, i) => ({ path: `destinations[${w}][${i}]`, entry })),
    ),
  ];
  const mistakes = places.flatMap(({ path, entry }) => {
    const found = inOrder(Object.keys(entry["fields"] ?? {}));
    return found === wanted
      ? []
      : [
          {
            path: `secrets.${secretName}.${path}.fields`,
            found: found || "nothing",
            allowed: `the fields of ${one.issuer.kind}: ${wanted}`,
          },
        ];
  });
  if (STORES[one.vault.kind]?.canonical !== false) return mistakes;
  const vaults = Object.values(STORES)
    .filter((store) => store.canonical)
    .map((store) => store.kind);
  return [
    ...mistakes,
    { path: `secrets.${secretName}.vault.kind`, found: one.vault.kind, allowed: vaults.join(", ") },
  ];
}

function absent(
  path: readonly PropertyKey[],
  found: string | undefined,
  allowed: readonly string[],
): Mistake {
  return {
    path: text(path),
    found: found === undefined ? "nothing" : shown(found),
    allowed: allowed.join(", ") || "none is configured",
  };
}

type Issue = z.core.$ZodIssue;

/** One for each field that is not known, with what it may have been meant for; else the one. */
function mistakesIn(
  issue: Issue,
  input: unknown,
  under: readonly PropertyKey[],
  schema: z.ZodType | undefined,
): readonly Mistake[] {
  const path = [...under, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(schema, issue.path);
    return issue.keys.map((key) => ({
      path: text([...path, key]),
      found: "a field that is not known here",
      allowed: known.find((one) => isNear(one, key)) ?? (known.join(", ") || "no such field"),
    }));
  }
  if (issue.code === "invalid_key") {
    const allowed = issue.issues[0]?.message ?? issue.message;
    return [{ path: text(path), found: shown(String(issue.path.at(-1))), allowed }];
  }
  const allowed = issue.message
    .replace(/^Invalid input: expected (\w+), received .*$/, "$1")
    .replace(/^Invalid input: expected /, "")
    .replace(/^Invalid option: expected /, "")
    .replace(/^Invalid /, "a valid ");
  return [{ path: text(path) || "the default export", found: foundAt(input, issue.path), allowed }];
}

/** The fields that a schema knows at a path; none where it takes any. */
function fieldsAt(schema: z.core.$ZodType | undefined, path: readonly PropertyKey[]): readonly string[] {
  const [key, ...rest] = path;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return fieldsAt(schema.def.innerType, path);
  if (schema instanceof z.ZodObject)
    return key === undefined ? Object.keys(schema.shape) : fieldsAt(schema.shape[String(key)], rest);
  if (schema instanceof z.ZodRecord) return key === undefined ? [] : fieldsAt(schema.def.valueType, rest);
  if (schema instanceof z.ZodArray) return fieldsAt(schema.def.element, rest);
  return [];
}

/** Whether one character more, less or other, or two in each other's place, makes one word of the other. */
function isNear(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return (
    Math.max(left.length, right.length) <= 1 ||
    (left.length === 2 && left === [...right].toReversed().join(""))
  );
}

/** What stands there: short plain text is shown, because a mistyped word is only found by reading it; long text never, it may be a pasted secret. */
function foundAt(input: unknown, path: readonly PropertyKey[]): string {
  let value: unknown = input;
  for (const key of path)
    value = value !== null && typeof value === "object" ? Reflect.get(value, key) : undefined;
  if (value === undefined) return "nothing";
  if (typeof value === "string") return shown(value);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function shown(text: string): string {
  return text.length <= 24 ? JSON.stringify(text) : `text of ${text.length} characters`;
}

function text(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function invalid(mistakes: readonly Mistake[]): LockstepError {
  const lines = mistakes.map((one) => `${one.path}: found ${one.found}, allowed ${one.allowed}`);
  return new LockstepError({
    code: "CONFIG_INVALID",
    message: `The configuration has ${mistakes.length} mistake${mistakes.length === 1 ? "" : "s"}:\n${lines.join("\n")}`,
    because: "nothing is started on a configuration that is not understood completely",
    next: "lockstep doctor    after you have corrected lockstep.config.ts",
  });
}
