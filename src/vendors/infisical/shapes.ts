import { z } from "zod";
import type { Secret } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { moment, plainText, secretText } from "../shaped.ts";

/** A folder of an environment of a project. The path starts with a slash and ends without one, but for `/`. */
export interface Place {
  readonly project: string;
  readonly environment: string;
  readonly path: string;
}

/** A secret as a read shows it. */
export interface VaultSecret {
  readonly value: Secret;
  /** 1, then one more with every write. */
  readonly version: number;
  readonly updatedAt: Instant | undefined;
  readonly project: string | undefined;
  readonly environment: string;
  /** Only the current generation says it. */
  readonly path: string | undefined;
  /** The identity may see that the secret is there, but not its value. */
  readonly hidden: boolean;
  /** Infisical's own rotation writes it; undefined where the build does not say. */
  readonly rotated: boolean | undefined;
  readonly rotation: string | undefined;
  /** Where the value is a reference: what it refers to, in words. */
  readonly reference: string | undefined;
}

/** What a write answers: the version that it made, or the change request that it became (infisical.md, Approvals). */
export type Written =
  | { readonly is: "written"; readonly version: number }
  | { readonly is: "awaits-approval"; readonly approval: string; readonly slug: string | undefined };

/** What lies where a claim would: the id of an installation, or something that is no claim. */
export interface Claim {
  readonly installation: string | undefined;
  readonly version: number;
}

/** A secret of a list. */
export interface Entry {
  readonly path: string;
  readonly key: string;
  readonly value: Secret;
}

const ANY_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The folder beside a secret that holds claims: native syncs and `infisical run` take along a folder's own entries only. */
export const CLAIMS = "lockstep";

/** Whether this is the form of an installation's id. */
export function isInstallation(text: string): boolean {
  return ANY_UUID.test(text);
}

/** One secret. */
export const secretShape: z.ZodType<VaultSecret> = z
  .object({
    secret: z.object({
      secretValue: z.string(),
      version: z.int(),
      updatedAt: moment.optional(),
      workspace: plainText.optional(),
      environment: plainText,
      secretPath: plainText.optional(),
      secretValueHidden: z.boolean().optional(),
      isRotatedSecret: z.boolean().optional(),
      rotationId: plainText.nullish(),
    }),
  })
  .transform(({ secret }) => ({
    value: secretText.parse(secret.secretValue),
    version: secret.version,
    updatedAt: secret.updatedAt,
    project: secret.workspace,
    environment: secret.environment,
    path: secret.secretPath,
    hidden: secret.secretValueHidden === true,
    rotated: secret.isRotatedSecret,
    rotation: secret.rotationId ?? undefined,
    reference: referenceIn(secret.secretValue),
  }));

// Only a text that is nothing but a reference is named: around another one stands a part of somebody's value, and what
// looks like a name may be one too.
function referenceIn(text: string): string | undefined {
  const whole = /^\s*\$\{([\w .-]{1,200})\}\s*$/.exec(text)?.[1];
  if (whole !== undefined) return `a reference to ${whole.trim()}`;
  return /\$\{[^{}]+\}/.test(text) ? "made with references to other secrets" : undefined;
}

/** What a write answers. */
export const writtenShape: z.ZodType<Written> = z.union([
  z.object({ approval: z.object({ id: plainText, slug: plainText.optional() }) }).transform(
    ({ approval }): Written => ({
      is: "awaits-approval",
      approval: approval.id,
      slug: approval.slug,
    }),
  ),
  z
    .object({ secret: z.object({ version: z.int() }) })
    .transform(({ secret }): Written => ({ is: "written", version: secret.version })),
]);

/** A claim is read as text, for it is no secret and is shown to people; whatever else lies there is not kept at all. */
export const claimShape: z.ZodType<Claim> = z
  .object({ secret: z.object({ secretValue: z.string(), version: z.int() }) })
  .transform(({ secret }) => ({
    installation: isInstallation(secret.secretValue) ? secret.secretValue : undefined,
    version: secret.version,
  }));

/** The secrets of a list whose values this identity may read, without claims. */
export const entriesShape: z.ZodType<readonly Entry[]> = z
  .object({
    secrets: z.array(
      z.object({
        secretKey: plainText,
        secretPath: plainText,
        secretValue: z.string(),
        secretValueHidden: z.boolean().optional(),
      }),
    ),
  })
  .transform(({ secrets }) => {
    const there = new Set(
      secrets.map(({ secretPath, secretKey }) => `${within(secretPath, CLAIMS)} ${secretKey}`),
    );
    return secrets
      .filter(({ secretValueHidden }) => secretValueHidden !== true)
      .filter((one) => !(isInstallation(one.secretValue) && there.has(`${one.secretPath} ${one.secretKey}`)))
      .map((one) => ({ path: one.secretPath, key: one.secretKey, value: secretText.parse(one.secretValue) }));
  });

/** Anything that made or found a folder. */
export const folderShape: z.ZodType<void> = z
  .object({ folder: z.object({ id: z.string() }) })
  .transform(() => undefined);

/** The path of a folder inside another one. */
export function within(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}
