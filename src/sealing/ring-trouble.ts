import { LockstepError } from "../core/errors.ts";

/** No key fits, or what was sealed has been changed; the two cannot be told apart. */
export function wrongKeys(message: string, cause?: unknown): LockstepError {
  return new LockstepError(
    {
      code: "KEYRING_WRONG",
      message,
      because:
        "the sealed values and the journal of this database can only be read with the keys that wrote them",
      next: "lockstep doctor    with the key ring of the installation: LOCKSTEP_KEYS, or the key file of its home directory",
    },
    { cause },
  );
}

/** The key ring itself cannot be used as it stands. `found` never quotes the ring. */
export function brokenRing(
  where: string,
  found: string,
  next = `lockstep doctor    after you have restored ${where} from its backup`,
  cause?: unknown,
): LockstepError {
  return new LockstepError(
    {
      code: "KEYRING_BROKEN",
      message: `the key ring in ${where} cannot be used: ${found}`,
      because: "a key that is guessed, shortened or repaired would seal values that nobody can open again",
      next,
    },
    { cause },
  );
}

/** LOCKSTEP_KEYS has no root for fingerprints. */
export function noFingerprintRoot(): LockstepError {
  return new LockstepError({
    code: "KEYRING_BROKEN",
    message: "LOCKSTEP_KEYS has no entry named fingerprint",
    because:
      "labels of values must stay equal when the sealing keys change, so they have a root of their own",
    next: "lockstep doctor    after you have appended ,fingerprint:<32 random bytes>: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='",
  });
}

/** The database holds sealed values and the key file is gone. */
export function missingRing(file: string): LockstepError {
  return new LockstepError({
    code: "KEYRING_MISSING",
    message: `the key file ${file} is missing, and the database holds values that were sealed with it`,
    because: "a new key would not open them, and would hide that they are lost",
    next: `lockstep doctor    after you have restored ${file} from its backup, or set LOCKSTEP_KEYS`,
  });
}

/** Others than its owner can read the key file, or somebody else owns it. */
export function exposedRing(file: string, found: string, next: string): LockstepError {
  return new LockstepError({
    code: "KEYRING_EXPOSED",
    message: `the key file ${file} ${found}`,
    because: "whoever reads it can open every sealed value of the database",
    next,
  });
}

/** The key file, or its directory, cannot be written. Other exceptions come back as they are. */
export function unwritableRing(file: string, cause: unknown): unknown {
  const code = codeOf(cause) ?? "";
  if (["ENOSPC", "EDQUOT"].includes(code)) {
    return new LockstepError(
      {
        code: "DISK_FULL",
        message: `no space is left for the key file ${file}`,
        because: "values are sealed before they are kept, and the key must be on disk before it is used",
        next: "lockstep doctor    after you have made room on that disk",
      },
      { cause },
    );
  }
  if (!["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOENT"].includes(code)) return cause;
  return new LockstepError(
    {
      code: "HOME_NOT_WRITABLE",
      message: `the key file ${file} cannot be written (${code})`,
      because: "values are sealed before they are kept, and the key must be on disk before it is used",
      next: "lockstep doctor    after you have made its directory writable for you, or set LOCKSTEP_KEYS",
    },
    { cause },
  );
}

/** A change of the key file that makes no sense as it stands. */
export function refusedChange(file: string, found: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `the key ring in ${file} was not changed: ${found}`,
    because: "a key's id names it for ever in what it has sealed",
    next: "lockstep keys",
  });
}

/** The system code of a thrown thing, such as ENOENT. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
