import { type ErrorCode, LockstepError } from "../core/errors.ts";

/** The SQLSTATE or system code of a thrown thing; undefined where it has none. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Whether the server refused a statement or its data, and is otherwise fine, as is the connection. */
export function isStatementError(thrown: unknown): boolean {
  // Only what the server says has a severity; by its form alone EPIPE could be an SQLSTATE.
  if (!(thrown instanceof Error) || !("severity" in thrown)) return false;
  return !/^(08|53|57P|58|XX)/.test(codeOf(thrown) ?? "XX");
}

/** A LockstepError for what came of a connection to `where` (a host and a database, never a URL); an SQL error of ours passes through. */
export function databaseTrouble(thrown: unknown, where: string): unknown {
  if (thrown instanceof LockstepError) return thrown;
  const code = codeOf(thrown);
  const make = (name: ErrorCode, message: string, because: string, next: string): LockstepError =>
    new LockstepError({ code: name, message, because, next }, { cause: thrown });
  if (code === "53100") {
    return make(
      "DISK_FULL",
      `the disk of the database ${where} is full`,
      "Lockstep records each step before it takes it, and it cannot record",
      "lockstep doctor    after you have made room on that disk",
    );
  }
  if (code === "08P01" && thrown instanceof Error && /startup parameter/.test(thrown.message)) {
    return make(
      "DATABASE_POOLED",
      `${where} is a connection pooler, not PostgreSQL itself`,
      "a pooler gives one session's locks to several clients, so two workers could own one run",
      "lockstep doctor    after you have set LOCKSTEP_DATABASE_URL to the direct connection of the database",
    );
  }
  if (code === "25006") {
    return make(
      "DATABASE_UNREACHABLE",
      `${where} is read-only (${code})`,
      "every step is journaled in this database before it is taken",
      "lockstep doctor    after you have pointed LOCKSTEP_DATABASE_URL at the primary server, or made room where it was closed for want of it",
    );
  }
  if (isLogin(code)) {
    return make(
      "DATABASE_UNREACHABLE",
      `${where} does not let us in (${code})`,
      "every step is journaled in this database before it is taken",
      "lockstep doctor    after you have checked user, password and database name in LOCKSTEP_DATABASE_URL",
    );
  }
  if (isStatementError(thrown)) return thrown;
  return make(
    "DATABASE_UNREACHABLE",
    `the database ${where} does not answer${code === undefined ? "" : ` (${code})`}`,
    "every step is journaled in this database before it is taken",
    `lockstep doctor    after you have checked that it runs${where.startsWith("/") ? "" : ", and that LOCKSTEP_DATABASE_URL names it"}`,
  );
}

/** The same while the schema is made or brought up to date: then a right that is missing is nobody's fault but the server's set-up. */
export function openingTrouble(thrown: unknown, where: string): unknown {
  if (codeOf(thrown) !== "42501") return thrown;
  return new LockstepError(
    {
      code: "DATABASE_UNREACHABLE",
      message: `this user may not make or use the schema lockstep in ${where} (42501)`,
      because: "every step is journaled in this database before it is taken",
      next: "lockstep doctor    after its owner has given this user CREATE on the database, and the schema lockstep where it is there already",
    },
    { cause: thrown },
  );
}

function isLogin(code: string | undefined): boolean {
  return code === "28000" || code === "28P01" || code === "3D000";
}
