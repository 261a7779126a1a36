import { userInfo } from "node:os";
import { LockstepError } from "../core/errors.ts";
import { type Actor, ASSURANCES, type Assurance, ROLES, type Role } from "../core/record.ts";
import type { Config } from "./config.ts";

/**
 * Who is at this machine: the user of the operating system, with the role that the configuration gives. Sure only as far as
 * one machine can be. Where nobody is listed, whoever may read the key ring may do everything.
 */
export function localActor(config: Pick<Config, "operators">): Actor {
  const name = userName();
  const role = config.operators ? (config.operators[name]?.role ?? "viewer") : "superadmin";
  return { name, assurance: "local user", role };
}

/**
 * The configuration of the sandbox: whoever is at this machine is among its operators, because nothing real is reached there
 * and somebody else's configuration should be tried first.
 */
export function withLocalOperator<C extends Pick<Config, "operators">>(config: C): C {
  const name = userName();
  if (!config.operators || Object.hasOwn(config.operators, name)) return config;
  return { ...config, operators: { ...config.operators, [name]: { role: "superadmin" } } };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password file, as containers have them.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Throws ROLE_MISSING unless the person has at least this role. */
export function requireRole(actor: Actor, role: Role, what: string): void {
  if (ROLES.indexOf(actor.role ?? "viewer") >= ROLES.indexOf(role)) return;
  throw new LockstepError({
    code: "ROLE_MISSING",
    message: `${what} needs the role ${role}; ${actor.name} has ${actor.role ?? "none"}`,
    because: "the configuration says who may do what",
    next: `lockstep doctor    lists the operators; somebody with the role ${role} must do it`,
  });
}

/** Throws ASSURANCE_MISSING unless it is as sure who the person is as the secret demands. */
export function requireAssurance(actor: Actor, assurance: Assurance, secret: string): void {
  const has = actor.assurance === "lockstep" ? ASSURANCES.length : ASSURANCES.indexOf(actor.assurance);
  if (has >= ASSURANCES.indexOf(assurance)) return;
  throw new LockstepError({
    code: "ASSURANCE_MISSING",
    message: `${secret} wants its operator ${assurance}; ${actor.name} is a ${actor.assurance}`,
    because: "on one machine Lockstep knows a person only as the user of the operating system",
    next: `lockstep doctor    then lower "assurance" of ${secret}, or start it where people sign in`,
  });
}
