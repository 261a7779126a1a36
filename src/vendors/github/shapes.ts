import { z } from "zod";
import type { Instant } from "../../core/time.ts";
import { moment, plainText } from "../shaped.ts";

/** A repository. */
export interface Repository {
  readonly id: number;
  /** `owner/name`, as it is called now. */
  readonly fullName: string;
  readonly archived: boolean;
  readonly isPrivate: boolean;
  /** A person's, so that no organization's secrets reach it. */
  readonly ownedByUser: boolean;
  /** Whether the token's user may push; the token itself may do less. Undefined where GitHub does not say. */
  readonly mayPush: boolean | undefined;
  /** Scopes of a classic token; undefined for every other kind, of which GitHub tells nothing. */
  readonly scopes: readonly string[] | undefined;
}

/** What GitHub tells of an Actions secret: never its value. Times are whole seconds. */
export interface ActionsSecret {
  readonly name: string;
  readonly updatedAt: Instant;
}

/** The key that a repository's secrets are sealed to. */
export interface SealingKey {
  readonly keyId: string;
  /** 32 bytes in base64. */
  readonly key: string;
}

/** A secret in a list of some place. */
export interface ListedSecret {
  readonly name: string;
  /** Which repositories see an organization's: `all`, `private` or `selected`. */
  readonly visibility: string | undefined;
}

/** A workflow; `state` is `active` where it can be dispatched. */
export interface Workflow {
  readonly state: string;
}

/** A workflow run. */
export interface WorkflowRun {
  readonly id: number;
  /** The workflow's name, or the title of the run where its file has a `run-name`. */
  readonly name: string;
  readonly title: string;
  /** Name of the workflow's file, without folder and branch: `deploy.yml`. */
  readonly file: string;
  /** `completed`, or where it stands on its way there. */
  readonly status: string;
  readonly conclusion: string;
  readonly url: string;
  readonly createdAt: Instant;
}

/** A page of a list, and how many items the whole list has. */
export interface Page<T> {
  readonly total: number;
  readonly items: readonly T[];
}

/** Reads a repository; its scopes come from a header. */
export const repositoryShape: z.ZodType<Omit<Repository, "scopes">> = z
  .object({
    id: z.int(),
    full_name: plainText,
    archived: z.boolean().optional(),
    private: z.boolean().optional(),
    owner: z.object({ type: z.string().optional() }).optional(),
    permissions: z.object({ push: z.boolean() }).optional(),
  })
  .transform(({ id, full_name, archived, permissions, owner, ...rest }) => ({
    id,
    fullName: full_name,
    archived: archived === true,
    isPrivate: rest.private === true,
    ownedByUser: owner?.type === "User",
    mayPush: permissions?.push,
  }));

/** Reads an Actions secret. */
export const secretShape: z.ZodType<ActionsSecret> = z
  .object({ name: plainText, updated_at: moment })
  .transform(({ name, updated_at }) => ({ name, updatedAt: updated_at }));

/** Reads a public key. One of another length cannot be sealed to, so such a reply is not GitHub's. */
export const keyShape: z.ZodType<SealingKey> = z
  .object({
    key_id: z.string().min(1),
    key: z.string().refine((key) => Buffer.from(key, "base64").length === 32),
  })
  .transform(({ key_id, key }) => ({ keyId: key_id, key }));

/** Reads a workflow. */
export const workflowShape: z.ZodType<Workflow> = z.object({ state: plainText });

/** Reads the answer to a dispatch that names its run. */
export const dispatchedShape = z.object({ workflow_run_id: z.int() });

const runShape: z.ZodType<WorkflowRun> = z
  .object({
    id: z.int(),
    name: plainText.nullish(),
    display_title: plainText,
    path: plainText,
    status: plainText.nullable(),
    conclusion: plainText.nullable(),
    html_url: plainText,
    created_at: moment,
  })
  .transform(({ id, name, path, status, conclusion, ...rest }) => {
    // Some replies put the branch behind the path: `.github/workflows/deploy.yml@main`.
    const file = (path.split("@")[0] ?? "").split("/").at(-1) ?? "";
    return {
      id,
      name: name || file,
      title: rest.display_title,
      file,
      status: status ?? "unknown",
      conclusion: conclusion ?? "none",
      url: rest.html_url,
      createdAt: rest.created_at,
    };
  });

const total = z.int().nonnegative();

/** Reads a page of environments, as their names. */
export const environmentsShape: z.ZodType<Page<string>> = z
  .object({ total_count: total, environments: z.array(z.object({ name: plainText })) })
  .transform((page) => ({ total: page.total_count, items: page.environments.map(({ name }) => name) }));

/** Reads a page of secrets. */
export const secretsShape: z.ZodType<Page<ListedSecret>> = z
  .object({
    total_count: total,
    secrets: z.array(z.object({ name: plainText, visibility: z.string().optional() })),
  })
  .transform((page) => ({
    total: page.total_count,
    items: page.secrets.map(({ name, visibility }) => ({ name, visibility })),
  }));

/** Reads a page of repositories, as their numbers. */
export const repositoriesShape: z.ZodType<Page<number>> = z
  .object({ total_count: total, repositories: z.array(z.object({ id: z.int() })) })
  .transform((page) => ({ total: page.total_count, items: page.repositories.map(({ id }) => id) }));

/** Reads a page of workflow runs. */
export const runsShape: z.ZodType<Page<WorkflowRun>> = z
  .object({ total_count: total, workflow_runs: z.array(runShape) })
  .transform((page) => ({ total: page.total_count, items: page.workflow_runs }));

/** Reads a page of a run's jobs, as their names. */
export const jobsShape: z.ZodType<Page<string>> = z
  .object({ total_count: total, jobs: z.array(z.object({ name: plainText })) })
  .transform((page) => ({ total: page.total_count, items: page.jobs.map(({ name }) => name) }));
