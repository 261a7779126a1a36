import { z } from "zod";

/** What a configuration says of a Heroku authorization that is rotated. */
export interface HerokuAuthorizationConfig {
  /** Email of the account that every credential must belong to. */
  readonly account: string;
  readonly scope: readonly string[];
  /** Convention for descriptions, `{YYYY-MM}` standing for the month: `raxx-ci-rotation-{YYYY-MM}`. */
  readonly description: string;
  /** Authorizations that belong to somebody else and are never taken for ours (HK-03): full id, or its first 8 characters. */
  readonly known: readonly { readonly id: string; readonly description: string }[];
  /** Apps that a new credential must be able to read (HK-06); none for a narrower scope. */
  readonly apps: readonly { readonly name: string; readonly id: string }[];
}

const SCOPES = ["global", "identity", "read", "write", "read-protected", "write-protected"] as const;

/** Checks that part of a configuration. */
export const herokuAuthorizationConfig = z.strictObject({
  account: z.email(),
  scope: z.array(z.enum(SCOPES)).min(1).default(["global"]),
  description: z.string().min(1).max(120),
  known: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$/, {
          error: "an authorization id, or its first 8 characters, in lower case",
        }),
        description: z.string(),
      }),
    )
    .default([]),
  apps: z.array(z.strictObject({ name: z.string().min(1), id: z.guid() })).default([]),
}) satisfies z.ZodType<HerokuAuthorizationConfig>;
