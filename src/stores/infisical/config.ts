import { z } from "zod";

/** A place in Infisical, and which key holds which field. */
export interface InfisicalConfig {
  /** Project id (UUID), never its slug: slugs can be renamed. */
  readonly project: string;
  /** Slug of the environment. */
  readonly environment: string;
  /** Folder, with a leading slash and none at the end: `/MooseQuest/heroku`. */
  readonly path: string;
  /** Name of the key by field of the credential: `{ token: "HEROKU_API_KEY" }`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Checks that part of a configuration; folder names by Infisical's rules (infisical.md, Folders). */
export const infisicalConfig = z.strictObject({
  project: z.guid(),
  environment: z.string().regex(/^[a-z0-9-]+$/, { error: "the slug of an environment" }),
  path: z.string().regex(/^(\/|(\/[A-Za-z0-9_-]+)+)$/, { error: "a path such as /MooseQuest/heroku" }),
  fields: z
    .record(z.string().min(1), z.string().regex(/^[A-Za-z_][\w-]*$/, { error: "letters, digits, _ and -" }))
    .refine((fields) => new Set(Object.values(fields)).size === Object.keys(fields).length, {
      error: "two fields cannot share a key",
    })
    .refine((fields) => Object.keys(fields).length > 0, { error: "at least one field" }),
}) satisfies z.ZodType<InfisicalConfig>;
