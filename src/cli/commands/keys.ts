import path from "node:path";
import { openHome } from "../../app/home.ts";
import { localActor, requireRole } from "../../app/people.ts";
import { LockstepError } from "../../core/errors.ts";
import { auditLogIn } from "../../db/audit-log.ts";
import { proveKeys } from "../../sealing/canary.ts";
import { addKey, newKeyId, promoteKey } from "../../sealing/key-file.ts";
import { reseal } from "../../sealing/sealed-values.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { table } from "../layout.ts";
import type { Common } from "../main.ts";
import { whereOf } from "../where.ts";

/** `lockstep keys`: which keys the ring has; `keys rotate` adds one, writes with it, and seals again what is kept. */
export async function keys(_io: Io, options: Common, action: string): Promise<Result> {
  if (action !== "" && action !== "list" && action !== "rotate") throw unknownAction(action);
  const home = await openHome(whereOf(options));
  try {
    const { ring, database } = home;
    if (action === "rotate") {
      const actor = localActor(home.config);
      requireRole(actor, "superadmin", "Rotating the key ring");
      if (home.env["LOCKSTEP_KEYS"] && !options.sandbox) throw fromEnvironment();
      const file = path.join(home.dir, "keys.json");
      const id = newKeyId(new Date());
      await auditLogIn(database).append({
        action: "keys.rotate.intended",
        actor,
        context: { id },
      });
      // Readable everywhere first: a process that seals with a key which others cannot open would strand its runs.
      await addKey(file, id);
      await promoteKey(file, id);
      await ring.refresh();
      await proveKeys(database, ring);
      const { resealed } = await reseal(database, ring);
      await auditLogIn(database).append({
        action: "keys.rotate.done",
        actor,
        context: { id, resealed },
      });
      return {
        exit: EXIT.done,
        json: { writing: id, keys: ring.ids, resealed },
        text: `Key ${id} seals from now on; ${resealed} sealed value${resealed === 1 ? "" : "s"} sealed again. Older keys still open what they sealed.`,
      };
    }
    const rows = ring.ids.map((id) => [id, id === ring.writing ? "seals and opens" : "opens"]);
    return {
      exit: EXIT.done,
      json: { writing: ring.writing, keys: ring.ids },
      text: table([["KEY", "USE"], ...rows]),
    };
  } finally {
    await home.close();
  }
}

function unknownAction(action: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `keys has no action ${JSON.stringify(action)}`,
    because: "it has list and rotate; nothing was changed",
    next: "lockstep keys list",
  });
}

function fromEnvironment(): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: "The key ring comes from LOCKSTEP_KEYS",
    because: "a ring that several machines share is changed where it is kept, on all of them",
    next: "lockstep keys list    after you have appended a new key everywhere and restarted the workers; then move it to the front",
  });
}
