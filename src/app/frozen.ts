import type { Trouble } from "../core/errors.ts";
import type { Database } from "../db/database.ts";
import { frozenSince } from "../db/freeze.ts";

/** Why no new effect may begin now, if a person has frozen the installation. */
export async function frozenTrouble(database: Database): Promise<Trouble | undefined> {
  const frozen = await frozenSince(database);
  return (
    frozen && {
      code: "FROZEN",
      message: `${frozen.by.name} has frozen this installation since ${frozen.at}: ${frozen.reason}`,
      because: "no new effect begins until it is lifted; what stands, stands",
      next: "lockstep freeze --lift",
    }
  );
}
