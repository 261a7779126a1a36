import { z } from "zod";

/** An Actions secret of a repository. */
export interface GithubActionsSecretConfig {
  /** `owner/name`. */
  readonly repository: string;
  /** GitHub's immutable number of the repository; with it, another one under the same name is refused. */
  readonly repositoryId?: number | undefined;
  /** Name of the Actions secret by field of the credential: `{ token: "HEROKU_API_KEY" }`. */
  readonly fields: Readonly<Record<string, string>>;
  /** The workflow that shows by a job's behaviour which value it holds, and the branch or tag that it is run on. */
  readonly proof?: { readonly workflow: string; readonly ref: string } | undefined;
  /** No token may write here: a person does, Lockstep leads and checks (DR-13). For secrets of one field. */
  readonly byHand?: boolean | undefined;
  /**
   * Where the same name is known to stand besides, and allowed to: `environment production`, `organization`, `dependabot`,
   * `codespaces`, `organization dependabot`, `organization codespaces` (HK-22).
   */
  readonly shadows?: readonly string[] | undefined;
}

/** Checks that part of a configuration; names by GitHub's rules (heroku-github.md B4). */
export const githubActionsSecretConfig = z
  .strictObject({
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
    proof: z
      .strictObject({
        workflow: z.string().regex(/^[\w-][\w.-]*\.ya?ml$/, { error: "the name of a workflow's file" }),
        ref: z.string().regex(/^\w[\w./-]*$/, { error: "a branch or a tag" }),
      })
      .optional(),
    byHand: z.boolean().optional(),
    shadows: z
      .array(
        z.string().regex(/^(environment \S.*|organization|(organization )?(dependabot|codespaces))$/, {
          error:
            "environment NAME, organization, dependabot, codespaces, organization dependabot, organization codespaces",
        }),
      )
      .optional(),
  })
  .refine(({ byHand, fields }) => byHand !== true || Object.keys(fields).length === 1, {
    path: ["byHand"],
    error: "only for one field: a person carries one value at a time",
  }) satisfies z.ZodType<GithubActionsSecretConfig>;
