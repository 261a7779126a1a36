import type { Trouble } from "../../core/errors.ts";
import type { Look, StepContext } from "../../core/step.ts";
import type { Instant } from "../../core/time.ts";

/** Why a rollback needs it. */
export const KEY_TAKEN_BACK = "a rollback is over only when the key that it takes back is proved dead";
/** Why a run that gives up needs it of what it has created. */
export const NOTHING_UNSEEN = "a credential of a run that did not finish must not stay alive unseen";

/** Whether a credential is gone, by the issuer's list, and when that was seen: what every step looks at that ends one by its id. */
export async function lookGone(
  c: StepContext,
  id: string,
  because: string,
): Promise<Look<{ readonly id: string; readonly at: Instant }>> {
  const listed = await c.issuer.isListed(id);
  if (listed.is === "dead") return { is: "present", value: { id, at: listed.at } };
  if (listed.is === "alive") return { is: "absent" };
  return { is: "unknown", trouble: notGone(c, id, listed.says, because) };
}

/** It was to be ended, and nothing shows that it is gone. `endedAt`: by when the issuer had accepted its end. */
export function notGone(
  c: StepContext,
  id: string,
  says: string,
  because: string,
  endedAt?: Instant,
): Trouble {
  const ended =
    endedAt === undefined ? "" : `; its end was accepted by ${endedAt}, and a list may lag behind`;
  return {
    code: "OLD_NOT_DEAD",
    message: `${id.slice(0, 8)}… is not shown to be gone: ${says}${ended}`,
    because,
    next: `lockstep show ${c.run}`,
  };
}
