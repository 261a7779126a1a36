import {
  type ImportedLog,
  type ImportedRow,
  type NamedCredential,
  readRotationLog,
} from "../audit/import-log.ts";
import { type Credential, type Fingerprints, labelOf, sameFingerprints } from "../core/credential.ts";
import { forSecret, LockstepError, type Trouble } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import { type Actor, type Owed, strayId } from "../core/record.ts";
import { copiesOf, type Snapshot } from "../core/snapshot.ts";
import type { StepContext } from "../core/step.ts";
import type { Instant } from "../core/time.ts";
import { type ImportedRotation, recordAdoption, refuseWhileRunning } from "../db/adoption.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { frozenTrouble } from "./frozen.ts";
import type { Home } from "./home.ts";
import { requireAssurance, requireRole } from "./people.ts";
import { readOnlyContext } from "./read-only.ts";
import { planFor } from "./runs.ts";

/** A place whose immutable id is another one than on record. */
export interface PlaceChange {
  readonly target: string;
  readonly before: string;
  readonly now: string;
}

/** What an adoption found and recorded. */
export interface Adopted {
  readonly secret: string;
  readonly credential: Credential;
  readonly label: string;
  readonly places: readonly { readonly target: string; readonly id: string }[];
  readonly known: readonly { readonly id: string; readonly description: string; readonly listed: boolean }[];
  /** Rotations of the log that were not on record before. */
  readonly imported: number;
  /** What a person should look at; none of it stopped the adoption. */
  readonly warnings: readonly string[];
}

/** What is asked of an adoption. */
export interface AdoptRequest {
  readonly secret: string;
  readonly sandbox: boolean;
  /** The text of a rotation log. */
  readonly log?: string;
  /** Places have other ids than those on record; throws to leave all as it is. */
  confirm(changes: readonly PlaceChange[]): Promise<void>;
}

/**
 * Records what stands there now, on day one or after a change by hand: the vault's key, exactly identified, the ids of all
 * places, and the log of what happened before. Its one write is the claim beside the entry. Throws what stops it.
 */
export async function adopt(home: Home, actor: Actor, request: AdoptRequest): Promise<Adopted> {
  try {
    return await adoptNow(home, actor, request);
  } catch (cause) {
    if (!(cause instanceof LockstepError)) throw cause;
    throw new LockstepError(forSecret(cause.toTrouble(), request.secret), { cause });
  }
}

async function adoptNow(home: Home, actor: Actor, request: AdoptRequest): Promise<Adopted> {
  const { secret, sandbox } = request;
  const { snapshot } = planFor(home.config, { secret, flow: "test", reason: "scheduled", sandbox });
  requireRole(actor, snapshot.role, `Adopting ${secret}`);
  requireAssurance(actor, snapshot.assurance, secret);
  await refuseWhileRunning(home.database, secret);
  const log = readRotationLog(request.log ?? "", secret);
  if (log.unread.length > 0 || (request.log !== undefined && log.rows.length === 0))
    throw notALog(secret, log);
  const c = readOnlyContext(home, snapshot);
  const present = await identified(c);
  const [places, list, recorded] = await Promise.all([
    placesOf(c, present.fingerprints),
    c.issuer.list().then(must),
    c.ledger.places(secret),
  ]);
  const known = knownIn(list, snapshot);
  const changes = places.found.flatMap(({ copy, target, id }) => {
    const before = recorded[copy];
    return before !== undefined && before !== id ? [{ target, before, now: id }] : [];
  });
  if (changes.length > 0) await request.confirm(changes);
  await claim(home, c, actor);
  const owed = await overtaken(c, present.credential, list);
  const imported = await recordAdoption(
    home.database,
    {
      secret,
      at: c.now(),
      ...present,
      places: Object.fromEntries(places.found.map(({ copy, id }) => [copy, id])),
      rotations: log.rows.map((row) => rotationOf(row, snapshot)),
      owed,
    },
    {
      action: "secret.adopted",
      actor,
      secret,
      context: {
        credential: { id: present.credential.id, description: present.credential.description },
        label: labelOf(present.fingerprints),
        known,
        places: places.found.map(({ target, id }) => ({ target, id })),
        changes,
      },
    },
  );
  return {
    secret,
    credential: present.credential,
    label: labelOf(present.fingerprints),
    places: places.found.map(({ target, id }) => ({ target, id })),
    known,
    imported,
    warnings: [
      ...places.warnings,
      ...warningsOf(known),
      ...lastRowWarning(log.rows, present.credential),
      ...othersWarning(log),
      ...owed.map(({ says, next }) => `${says}. ${next}`),
    ],
  };
}

interface Present {
  readonly credential: Credential;
  readonly fingerprints: Fingerprints;
}

/** The vault's key: it works, is of the configured account, and is exactly one credential of it (HK-04, P6). */
async function identified(c: StepContext): Promise<Present> {
  const { secret, issuer } = c.snapshot;
  const { values } = must(await c.vault.read());
  const who = await c.issuer.introspect(values);
  if (who.is === "unknown") throw new LockstepError(who.trouble);
  if (who.is === "dead")
    throw new LockstepError({
      code: "OLD_TOKEN_INVALID",
      message: `The key that ${c.snapshot.vault.target} holds is refused`,
      because: "only a key that works can be put on record as the current one",
      next: `lockstep rotate ${secret} --supplied`,
    });
  if (who.account !== issuer.account)
    throw new LockstepError({
      code: "ACCOUNT_DIFFERS",
      message: `The vault's key belongs to ${who.account}, not to ${issuer.account}`,
      because: "a key of another account is not this secret's",
      next: `lockstep adopt ${secret}    after you have corrected the account in the configuration, or the vault's value`,
    });
  const fingerprints = c.fingerprint(values);
  const others = await c.ledger.known({ fingerprints });
  const own = others.find((one) => one.secret === secret && sameFingerprints(one.fingerprints, fingerprints));
  const credential = must(await c.issuer.identify(values, own && { id: own.credential.id }));
  const [foreign] = [...others, ...(await c.ledger.known({ id: credential.id }))].filter(
    (one) => one.secret !== secret,
  );
  if (foreign)
    throw new LockstepError({
      code: "OLD_NOT_IDENTIFIED",
      message: `The vault's key is the ${foreign.state} generation of ${foreign.secret}`,
      because: "one credential belongs to one secret; a rotation of one would break the other",
      next: `lockstep adopt ${secret}    after you have put a key of its own into ${c.snapshot.vault.target}`,
    });
  return { credential, fingerprints };
}

/** The immutable id of every place that can be seen, and what is not as it should be. */
async function placesOf(c: StepContext, wanted: Fingerprints) {
  const copies = [c.snapshot.vault, ...copiesOf(c.snapshot)];
  const seen = await Promise.all(
    copies.map((copy, i) => (i === 0 ? c.vault.observe() : c.store(copy.id).observe())),
  );
  const found: { copy: string; target: string; id: string }[] = [];
  const warnings: string[] = [];
  for (const [i, answer] of seen.entries()) {
    const copy = copies[i];
    if (!copy) continue;
    const { id, target } = copy;
    if (answer.is !== "done") {
      warnings.push(`${target} could not be seen: ${answer.trouble.message}`);
      continue;
    }
    const { targetId, fingerprints, present } = answer.value;
    if (targetId !== undefined) found.push({ copy: id, target, id: targetId });
    if (!present) warnings.push(`${target} holds nothing`);
    else if (fingerprints && !sameFingerprints(fingerprints, wanted))
      warnings.push(`${target} holds another value than the vault`);
  }
  return { found, warnings };
}

/** The authorizations that the configuration declares as others', with whether the issuer lists them (HK-03). */
function knownIn(list: readonly Credential[], { issuer }: Snapshot): Adopted["known"] {
  return issuer.known.map(({ id, description }) => ({
    id,
    description,
    listed: list.some((one) => one.id.startsWith(id)),
  }));
}

/** What the record took for this secret's key before, and the issuer still lists: from now on nobody else would end it (P3). */
async function overtaken(
  { ledger, snapshot }: StepContext,
  present: Credential,
  list: readonly Credential[],
): Promise<readonly Owed[]> {
  const { secret, issuer } = snapshot;
  const living = (await ledger.generations(secret)).filter(
    ({ state, credential: { id } }) =>
      state !== "retired" &&
      id !== present.id &&
      list.some((one) => one.id === id) &&
      !issuer.known.some((one) => id.startsWith(one.id)),
  );
  return living.map(({ credential: { id, description } }) => ({
    id: strayId(secret, id),
    secret,
    severity: "finding",
    says: `${id.slice(0, 8)}… (${description}) was on record as the present key before ${present.id.slice(0, 8)}… was adopted, and lives`,
    next: `lockstep revoke ${secret} --id ${id}    if nothing uses it`,
  }));
}

function warningsOf(known: Adopted["known"]): readonly string[] {
  return known
    .filter((one) => !one.listed)
    .map(
      ({ id, description }) =>
        `${id} (${description}) is declared as somebody else's, and is not in the issuer's list`,
    );
}

function lastRowWarning(rows: readonly ImportedRow[], { id }: Credential): readonly string[] {
  const last = rows.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1);
  if (!last || id.startsWith(last.new.id)) return [];
  return [`the log's last rotation made ${last.new.id}; the vault holds ${id.slice(0, 8)}`];
}

function othersWarning({ others }: ImportedLog): readonly string[] {
  return others === 0
    ? []
    : [`${rowsOf(others)} of the log stand under the title of another secret: left out`];
}

function rowsOf(n: number): string {
  return `${n} ${n === 1 ? "row" : "rows"}`;
}

/** Claims the entry for this installation; the audit entry comes first (P9). */
async function claim(home: Home, c: StepContext, actor: Actor): Promise<void> {
  const { secret, vault } = c.snapshot;
  const { installation } = must(await c.vault.claim());
  if (installation === c.installation) return;
  if (installation !== undefined)
    throw new LockstepError({
      code: "CLAIMED_ELSEWHERE",
      message: `${vault.target} is claimed by the installation ${installation.slice(0, 8)}…`,
      because: "two installations that rotate one secret end each other's keys",
      next: `lockstep rotate ${secret} --take-over --because "why"    when the other one is gone`,
    });
  const frozen = await frozenTrouble(home.database);
  if (frozen) throw new LockstepError(frozen);
  await auditLogIn(home.database).append({
    action: "secret.claim.intended",
    actor,
    secret,
    context: { target: vault.target, installation: c.installation },
  });
  must(await c.vault.putClaim(c.installation));
}

function rotationOf(row: ImportedRow, { issuer }: Snapshot): ImportedRotation {
  const credential = ({ id, description }: NamedCredential, createdAt: Instant): Credential => ({
    id,
    description,
    scopes: [],
    // No later than the day of the row; a log says no more.
    createdAt,
    account: issuer.account,
  });
  // A log gives no reason; what is scheduled is what a cadence assumes.
  const { at, actor, notes } = row;
  return {
    at,
    actor,
    reason: "scheduled",
    old: credential(row.old, at),
    new: credential(row.new, at),
    notes,
  };
}

function must<T>(outcome: Outcome<T>): T {
  if (outcome.is === "done") return outcome.value;
  throw new LockstepError(outcome.trouble);
}

function notALog(secret: string, { unread, others }: ImportedLog): LockstepError {
  const none =
    others > 0
      ? `All rows of the log stand under the titles of other secrets than ${secret}`
      : "The log has no row that begins with a date";
  const trouble: Trouble = {
    code: "USAGE",
    message:
      unread.length > 0 ? `${rowsOf(unread.length)} of the log cannot be read:\n${unread.join("\n")}` : none,
    because: "a log is imported as a whole: Date (UTC) | Actor | Old auth description | New auth ID | Notes",
    next: `lockstep adopt ${secret} --log <file>    after you have corrected the file; nothing was recorded`,
  };
  return new LockstepError(trouble);
}
