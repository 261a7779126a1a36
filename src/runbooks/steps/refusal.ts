import type { Proof } from "../../core/outcome.ts";
import type { SealedId } from "../../core/sealed.ts";
import type { StepContext } from "../../core/step.ts";

/** The old value is refused while, as a positive control on the same host, the new one is accepted (HK-09, X-09). */
export async function refusal(c: StepContext, old: SealedId, current: SealedId): Promise<Proof> {
  const [before, now] = await Promise.all([c.sealed.open(old), c.sealed.open(current)]);
  const [dead, control] = await Promise.all([c.issuer.probe(before), c.issuer.probe(now)]);
  if (dead.is === "dead" && control.is === "alive") {
    return { is: "proved", at: c.now(), says: `old refused (${dead.says}), new accepted (${control.says})` };
  }
  return {
    is: "unknown",
    trouble: {
      code: "OLD_NOT_DEAD",
      message: `Old key: ${dead.says}. New key: ${control.says}`,
      because:
        "death counts only as the issuer's own refusal while a living key is accepted in the same minute",
      next: `lockstep show ${c.run}`,
    },
  };
}
