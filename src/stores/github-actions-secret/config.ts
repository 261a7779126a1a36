import { z } from "zod";

/** An Actions secret of a repository. */
export interface GithubActionsSecretConfig {
  /** `owner/name`. */
  readonly repository: string;
  /** GitHub's immutable number of the repository; with it, another one under the same name is refused. */
  readonly repositoryId?: number | undefined;
  /** Name of the Actions secret by field of the credential: `{ token: "HEROKU_API_KEY" }`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Checks that part of a configuration; names by GitHub's rules (heroku-github.md B4). */
export const githubActionsSecretConfig = z.strictObject({
  repository: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]*\/(?!\.{1,2}$)[\w.-]+$/, { error: "owner/name, as GitHub shows it" }),
  repositoryId: z.int().positive().optional(),
  fields: z
    .record(
      z.string().min(1),
      z.string().regex(/^(?!GITHUB_)[A-Z_][A-Z0-9_]*$/, {
        error: "upper-case letters, digits and _, not starting with a digit or GITHUB_",
      }),
    )
    .refine((fields) => new Set(Object.values(fields)).size === Object.keys(fields).length, {
      error: "two fields cannot share a name",
    })
    .refine((fields) => Object.keys(fields).length > 0, { error: "at least one field" }),
}) satisfies z.ZodType<GithubActionsSecretConfig>;
