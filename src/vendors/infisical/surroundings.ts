import { z } from "zod";
import type { Answer } from "../reply.ts";
import { plainText } from "../shaped.ts";
import type { Caller } from "./caller.ts";
import { type Entry, entriesShape, type Place } from "./shapes.ts";

/** A project: its slug may be renamed, and so is good for one call only. */
interface Project {
  readonly slug: string;
  /** Slugs. */
  readonly environments: readonly string[];
}

/** A native sync: Infisical itself writes a folder's secrets to another vendor. */
interface NativeSync {
  readonly name: string;
  /** Kind and place in words: `heroku raxx-api-prod`. */
  readonly destination: string;
  /** Where it takes the secrets from; undefined where that is gone. */
  readonly environment: string | undefined;
  readonly path: string | undefined;
  /** It runs after every change in the folder. */
  readonly active: boolean;
}

/** What lies around a secret, and what acts on it besides us. */
export interface Surroundings {
  project(id: string): Promise<Answer<Project>>;
  /** All secrets of a folder and of those below it, as far as this identity may read their values; unexpanded. */
  entries(place: Place): Promise<Answer<readonly Entry[]>>;
  /** Names of the folders in a folder. */
  folders(place: Place): Promise<Answer<readonly string[]>>;
  /** Native syncs of the project that this identity may read; only current builds list them. */
  syncs(project: string): Promise<Answer<readonly NativeSync[]>>;
}

/** Reading what lies around secrets. */
export function surroundings({ either, only }: Caller): Surroundings {
  return {
    project(id) {
      const params = { id };
      return either(
        "projects",
        {
          current: { method: "GET", route: "/api/v1/projects/{id}", params },
          older: { method: "GET", route: "/api/v1/workspace/{id}", params },
        },
        projectShape,
      );
    },
    entries({ project, environment, path }) {
      const shown = { viewSecretValue: "true", expandSecretReferences: "false" };
      const include = { include_imports: "false", includeImports: "false" };
      const query = { environment, secretPath: path, recursive: "true", ...shown, ...include };
      return either(
        "secrets",
        {
          current: { method: "GET", route: "/api/v4/secrets", query: { projectId: project, ...query } },
          older: { method: "GET", route: "/api/v3/secrets/raw", query: { workspaceId: project, ...query } },
        },
        entriesShape,
      );
    },
    folders({ project, environment, path }) {
      const query = { environment, path };
      return either(
        "folders",
        {
          current: { method: "GET", route: "/api/v2/folders", query: { projectId: project, ...query } },
          older: { method: "GET", route: "/api/v1/folders", query: { workspaceId: project, ...query } },
        },
        foldersShape,
      );
    },
    syncs: (project) =>
      only({ method: "GET", route: "/api/v1/secret-syncs", query: { projectId: project } }, syncsShape),
  };
}

const project = z.object({ slug: plainText, environments: z.array(z.object({ slug: plainText })) });

const projectShape: z.ZodType<Project> = z
  .union([
    z.object({ project }).transform((body) => body.project),
    z.object({ workspace: project }).transform((body) => body.workspace),
  ])
  .transform(({ slug, environments }) => ({ slug, environments: environments.map((one) => one.slug) }));

const foldersShape: z.ZodType<readonly string[]> = z
  .object({ folders: z.array(z.object({ name: z.string().min(1) })) })
  .transform(({ folders }) => folders.map((one) => one.name));

/** What names a destination in the configurations of syncs; everything else in them is not needed, and not read. */
const NAMES = ["appName", "app", "owner", "org", "repo", "env", "environment", "projectId", "secretPath"];

const syncsShape: z.ZodType<readonly NativeSync[]> = z
  .object({
    secretSyncs: z.array(
      z.object({
        name: plainText,
        destination: plainText,
        destinationConfig: z.record(z.string(), z.unknown()).nullish(),
        environment: z.object({ slug: plainText }).nullish(),
        folder: z.object({ path: plainText }).nullish(),
        isAutoSyncEnabled: z.boolean(),
      }),
    ),
  })
  .transform(({ secretSyncs }) =>
    secretSyncs.map((one) => ({
      name: one.name,
      destination: [one.destination, ...namesIn(one.destinationConfig ?? {})].join(" "),
      environment: one.environment?.slug,
      path: one.folder?.path,
      active: one.isAutoSyncEnabled,
    })),
  );

function namesIn(config: Readonly<Record<string, unknown>>): readonly string[] {
  const texts = NAMES.flatMap((name) => {
    const text = plainText.safeParse(config[name]);
    return text.success && text.data !== "" ? [text.data] : [];
  });
  return [...new Set(texts)];
}
