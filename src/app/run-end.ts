import type { RunHistory } from "../core/circumstances.ts";
import { labelOf, NOBODY } from "../core/credential.ts";
import type { Facts } from "../core/facts.ts";
import { type Flow, lateId, type RunEnd, type RunId, unseenId } from "../core/record.ts";
import type { Followed } from "../core/snapshot.ts";
import { systemClock } from "../core/time.ts";
import type { RunInput } from "./run-input.ts";
import { noteOf } from "./run-people.ts";
import type { RunDeps } from "./run-ports.ts";

/** Flows whose last step writes the entry about their end, in one transaction with the record. */
const RECORDS_ITSELF: readonly Flow[] = ["rotate", "revoke"];

/** Writes the end of a run down, and starts or tells what has to follow it. May be repeated. */
export async function ended(
  deps: RunDeps,
  run: RunId,
  input: RunInput,
  { end, facts, how }: { readonly end: RunEnd; readonly facts: Partial<Facts>; readonly how: RunHistory },
): Promise<RunEnd> {
  const { snapshot } = input;
  const note = noteOf(deps, run, input);
  const sealed = deps.sealedFor(run, snapshot.secret);
  if (end.status !== "completed") await note(end.status, { trouble: end.trouble });
  else if (!RECORDS_ITSELF.includes(snapshot.flow)) await note("completed", { old: facts.old?.id });
  const followed =
    how.uncertain || (await endsTooSoon(deps, run, input)) || (await mayBeMadeYet(deps, run, end));
  if (snapshot.flow === "rotate" && followed) await deps.followUp(run, input, heldAtEnd(end, facts));
  await concludeLooks(deps, input, end);
  await deps.progress.run(run, {
    status: end.status,
    endedAt: systemClock.now(),
    ...credentialsOf(facts),
    ...(end.status === "completed" ? {} : { trouble: end.trouble }),
  });
  // What is sealed may go at the end: each credential of the run is canonical, back in the vault, ended, or debt by then.
  // Also what a person pasted into a run that was cancelled meanwhile, which no step has judged.
  await sealed.dropAll();
  // Only now: the message says how the run stands.
  await tell(deps, run, input, end);
  return end;
}

/** A request that something on the way repeats is seen before a soak is over; a compromised key has none. */
async function endsTooSoon(deps: RunDeps, run: RunId, { snapshot }: RunInput): Promise<boolean> {
  return snapshot.reason === "compromise" && (await deps.audit.intendedAt(run, "mint")) !== undefined;
}

/** Who was asked to create a credential may do so after the run has ended without it. */
async function mayBeMadeYet(deps: RunDeps, run: RunId, end: RunEnd): Promise<boolean> {
  return end.status !== "completed" && (await deps.audit.intendedAt(run, "announce")) !== undefined;
}

/** What the vault holds after a run, as far as the run knows. */
function heldAtEnd(end: RunEnd, { checked, old, pending }: Partial<Facts>): Followed["held"] {
  if (end.status === "completed")
    return pending && { id: pending.ref.id, fingerprints: pending.fingerprints };
  return checked && old && old.id !== NOBODY.id
    ? { id: old.id, fingerprints: checked.fingerprints }
    : undefined;
}

/** Duplicates that could not be looked for are debt; once the last look was made, nothing of them is unseen. */
async function concludeLooks({ ledger }: RunDeps, { snapshot }: RunInput, end: RunEnd): Promise<void> {
  const { secret, follows } = snapshot;
  if (!follows) return;
  await ledger.settle(unseenId(secret, follows.tag));
  if (end.status === "completed") return ledger.settle(lateId(secret, follows.tag));
  await ledger.owe({
    id: lateId(secret, follows.tag),
    secret,
    severity: "finding",
    says: `Late duplicates of ${follows.run} could not be looked for to the end: ${end.trouble.message}`,
    next: `lockstep revoke ${secret} --id <id>    for each whose description ends in ${follows.tag} and that the vault does not hold`,
  });
}

async function tell(deps: RunDeps, run: RunId, { snapshot }: RunInput, end: RunEnd): Promise<void> {
  const { secret, flow, ending } = snapshot;
  if (end.status === "failed" && flow !== "test")
    await deps.escalate({
      event: `${run}/end`,
      kind: "failed",
      secret,
      run,
      says: `${secret}: the run ended without effect. ${end.trouble.message}`,
      state: STATE_AFTER_FAILURE[flow] ?? "the old key is in place; what the run created is ended",
      next: end.trouble.next,
    });
  if (end.status === "completed" && ending?.breakGlass !== undefined)
    await deps.escalate({
      event: `${run}/no-key`,
      kind: "sev-1",
      secret,
      run,
      says: `${secret}: a key was ended at once, although copies may hold it (${ending.breakGlass})`,
      state: "what held that key is refused until a new generation is canonical",
      next: `lockstep rotate ${secret} --supplied`,
    });
}

const STATE_AFTER_FAILURE: Partial<Record<Flow, string>> = {
  revoke: "the key was not ended",
  "follow-up": "no copy was touched; late duplicates may be alive",
};

/** Old and new, by id and label, as far as they are known. */
export function credentialsOf({ checked, old, pending, ending }: Partial<Facts>) {
  const label = ending?.fingerprints ? labelOf(ending.fingerprints) : "unknown";
  return {
    ...(ending && { old: { id: ending.credential.id, label } }),
    ...(checked &&
      old &&
      old.id !== NOBODY.id && { old: { id: old.id, label: labelOf(checked.fingerprints) } }),
    ...(pending && { new: { id: pending.ref.id, label: labelOf(pending.fingerprints) } }),
  };
}
