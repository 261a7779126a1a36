import type { Facts } from "../../core/facts.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import type { SealedId } from "../../core/sealed.ts";
import type { StepContext } from "../../core/step.ts";
import { between, type Instant } from "../../core/time.ts";
import { SEEN_TO_WORK } from "../../guards/new.ts";

interface Account {
  /** Empty where the issuer refuses the key. */
  readonly livingAccount: string;
}

/** For whom a key answers, asked now. */
export async function accountOf(
  c: StepContext,
  { sealed }: { readonly sealed: SealedId },
): Promise<Outcome<Account>> {
  const who = await c.issuer.introspect(await c.sealed.open(sealed));
  if (who.is === "unknown") return { is: "retryable", trouble: who.trouble };
  return done({ livingAccount: who.is === "alive" ? who.account : "" });
}

/** For whom the new key answers, asked only where it was last seen to work some time ago. */
export async function accountOfNewSince(
  c: StepContext,
  pending: Pick<Facts["pending"], "sealed">,
  seen: Instant,
): Promise<Outcome<Account>> {
  return isRecent(seen, c.now()) ? done({ livingAccount: c.snapshot.issuer.account }) : accountOf(c, pending);
}

/** Whether what was seen then counts still. A clock that was set back tells nothing of an age. */
export function isRecent(seen: Instant, now: Instant): boolean {
  const age = between(seen, now);
  return age >= 0 && age <= SEEN_TO_WORK;
}
