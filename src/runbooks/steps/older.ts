import type { Credential } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { olderId, runTagIn } from "../../core/record.ts";
import type { StepContext } from "../../core/step.ts";

/**
 * The credential, unless a run that is not on record has created it: then the database is older than the world (restored from
 * a backup), and what else has happened since is not known (P11).
 */
export async function onRecord(c: StepContext, credential: Credential): Promise<Outcome<Credential>> {
  if (runTagIn(credential.description) === undefined || c.snapshot.takeOver !== undefined)
    return done(credential);
  const known = await c.ledger.known({ id: credential.id });
  return known.length > 0
    ? done(credential)
    : refused(recordIsOlder(c, `The key in the vault, ${shortOf(credential)},`));
}

/** What carries this run's tag before the run has announced that it would create anything: debt, since nobody knows who uses it. */
export async function oweStrange(c: StepContext, found: readonly Credential[]): Promise<Trouble> {
  const { secret } = c.snapshot;
  for (const one of found)
    await c.ledger.owe({
      id: olderId(secret, one.id),
      secret,
      severity: "finding",
      says: `${shortOf(one)} was created by a run that is not on record any more`,
      next: `lockstep revoke ${secret} --id ${one.id}    if nothing uses it`,
    });
  return recordIsOlder(c, found.map(shortOf).join(", "));
}

function recordIsOlder({ snapshot: { secret } }: StepContext, what: string): Trouble {
  return {
    code: "RECORD_OLDER",
    message: `${what} was created by a run that is not on record`,
    because:
      "the database is older than the vendors' state, as after a restore; nothing is done until both agree again",
    next: `lockstep adopt ${secret}    puts on record what the vault holds`,
  };
}

function shortOf({ id, description }: Credential): string {
  return `${id.slice(0, 8)}… (${description})`;
}
