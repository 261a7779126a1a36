import type { Proof } from "../../core/outcome.ts";
import type { SealedId } from "../../core/sealed.ts";
import type { StepContext } from "../../core/step.ts";

const THERE = { ended: "old", living: "new" } as const;
/** On the way back the new key is ended, and the old one lives. */
export const BACK = { ended: "new", living: "old" } as const;

/** The ended value is refused while, as a positive control on the same host, the living one is accepted (HK-09, X-09). */
export async function refusal(
  c: StepContext,
  ended: SealedId,
  living: SealedId,
  names: typeof THERE | typeof BACK = THERE,
): Promise<Proof> {
  const [before, now] = await Promise.all([c.sealed.open(ended), c.sealed.open(living)]);
  const [dead, control] = await Promise.all([c.issuer.probe(before), c.issuer.probe(now)]);
  if (dead.is === "dead" && control.is === "alive") {
    const says = `${names.ended} refused (${dead.says}), ${names.living} accepted (${control.says})`;
    return { is: "proved", at: c.now(), says };
  }
  return {
    is: "unknown",
    trouble: {
      code: "OLD_NOT_DEAD",
      message: `The ${names.ended} key: ${dead.says}. The ${names.living} key: ${control.says}`,
      because:
        "death counts only as the issuer's own refusal while a living key is accepted in the same minute",
      next: `lockstep show ${c.run}`,
    },
  };
}
