/**
 * Every way in which Lockstep says no. The list is closed: a code that is not here does not compile, and
 * docs/errors.md is checked against it in both directions.
 */
export const ERROR_CODES = [
  // what was asked for
  "CONFIG_INVALID",
  "CONFIG_NOT_FOUND",
  "USAGE",
  "SECRET_UNKNOWN",
  "RUN_UNKNOWN",
  "INTERLOCK_UNKNOWN",
  "PLAN_CHANGED",
  "CONFIRMATION_NEEDED",
  "DECLINED",
  // this machine
  "NODE_TOO_OLD",
  "DISK_FULL",
  "HOME_NOT_WRITABLE",
  "HOME_TOO_NEW",
  "POSTGRES_MAJOR_DIFFERS",
  "POSTGRES_MISSING",
  "POSTGRES_START_FAILED",
  "DATABASE_UNREACHABLE",
  "DATABASE_POOLED",
  "DATABASE_TOO_NEW",
  "KEYRING_MISSING",
  "KEYRING_BROKEN",
  "KEYRING_WRONG",
  "KEYRING_EXPOSED",
  "CREDENTIAL_MISSING",
  // the vendors
  "VENDOR_UNREACHABLE",
  "VENDOR_REFUSED_CREDENTIAL",
  "VENDOR_PERMISSION",
  "VENDOR_RATE_LIMITED",
  "VENDOR_ERROR",
  "VENDOR_REPLY_FOREIGN",
  "VENDOR_TARGET_MISSING",
  "VENDOR_REFUSED",
  // the rotation
  "RUN_IN_PROGRESS",
  "RUN_PARKED",
  "RUN_CANCELLED",
  "RUN_NOT_CANCELLABLE",
  "OLD_TOKEN_INVALID",
  "OLD_NOT_IDENTIFIED",
  "ACCOUNT_FEDERATED",
  "ACCOUNT_DIFFERS",
  "SCOPE_DIFFERS",
  "NEW_NOT_VALID",
  "VAULT_DIFFERS",
  "VAULT_APPROVAL_PENDING",
  "DESTINATION_UNREADY",
  "DESTINATION_UNPROVED",
  "COPY_HOLDS_OLD",
  "SWEEP_INCOMPLETE",
  "OLD_NOT_DEAD",
  "DUPLICATE_UNCLEAR",
  "ANSWER_REFUSED",
  "APPROVAL_OPEN",
  "CLAIMED_ELSEWHERE",
  "CONSUMER_CRASHED",
  "COPY_UNDECLARED",
  "DRAIN_UNFINISHED",
  "FROZEN",
  "NOT_SETTLED",
  "OPERATOR_DECLINED",
  "PLACE_CHANGED",
  "PLAN_INCOMPLETE",
  "ROLLBACK_IMPOSSIBLE",
  "RUN_ROLLED_BACK",
  "RUN_NOT_WAITING",
  "RECORD_OLDER",
  "ROLE_MISSING",
  "ASSURANCE_MISSING",
  "SHADOWED",
  "TASK_TAKEN",
  "VAULT_ENTRY_UNSUITABLE",
  "INTERLOCK_UNCLEAR",
  "INTERLOCK_UNPROVED",
  "PROBE_REFUTED",
  "NOTICE_UNDELIVERED",
  "AUDIT_UNWRITABLE",
  "INTERNAL",
] as const;

/** A code of the closed union. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What every refusal says: what was found, why that stops us, and the one thing to do next. No field ever holds a value. */
export interface Trouble {
  readonly code: ErrorCode;
  /** What was found, in one sentence. */
  readonly message: string;
  /** Why that stops Lockstep. */
  readonly because: string;
  /** What to do now; a command wherever one exists. */
  readonly next: string;
  /** What the run was held for when a person said that it was done by hand, and looking did not show that. */
  readonly original?: Trouble;
}

/** Adapters know neither, so what they say to do next has `<secret>` in its place. */
export function forSecret<T extends Trouble>(trouble: T, secret: string): T {
  return { ...trouble, next: trouble.next.replaceAll("<secret>", secret) };
}

/** A {@link Trouble} that travels as an exception. Inside a run trouble travels as data instead (design 4, rule 8). */
export class LockstepError extends Error implements Trouble {
  readonly code: ErrorCode;
  readonly because: string;
  readonly next: string;

  constructor(trouble: Trouble, options?: ErrorOptions) {
    super(trouble.message, options);
    this.name = "LockstepError";
    this.code = trouble.code;
    this.because = trouble.because;
    this.next = trouble.next;
  }

  /** The parts that may be printed, recorded and sent; never the cause, which is somebody else's text. */
  toTrouble(): Trouble {
    return { code: this.code, message: this.message, because: this.because, next: this.next };
  }
}

/** Whether something was thrown because our own database is away, directly or as a cause. */
export function isOutage(thrown: unknown): boolean {
  for (let at = thrown; at instanceof Error; at = at.cause) {
    if (at instanceof LockstepError && at.code === "DATABASE_UNREACHABLE") return true;
  }
  return false;
}

/** Trouble from anything that was thrown: ours keeps its code, everything else is `INTERNAL` without its text. */
export function troubleOf(thrown: unknown): Trouble {
  if (thrown instanceof LockstepError) return thrown.toTrouble();
  return {
    code: "INTERNAL",
    // Foreign messages can hold anything (a header, a query), so only the class name is let through.
    message: `Something unexpected happened: ${thrown instanceof Error ? thrown.name : typeof thrown}`,
    because: "this is a fault of Lockstep itself; the run stops where it is safe",
    next: "lockstep doctor",
  };
}
