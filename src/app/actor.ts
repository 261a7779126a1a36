import { userInfo } from "node:os";
import type { Actor } from "../core/record.ts";

/** Who is at this machine: the user of the operating system. Sure only as far as one machine can be. */
export function localActor(): Actor {
  try {
    return { name: userInfo().username, assurance: "local user" };
  } catch {
    // A user id without an entry in the password file, as containers have them.
    return { name: `uid ${process.getuid?.() ?? "unknown"}`, assurance: "local user" };
  }
}
