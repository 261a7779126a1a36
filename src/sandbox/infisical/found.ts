import type { Estate, ValueSource } from "../estate.ts";
import { alphanumeric, hex, uuid } from "../random.ts";
import type { World } from "../world.ts";
import { newMember } from "./acts.ts";
import type { InfisicalState, Project } from "./state.ts";
import { createSecret, ensureFolder, updateSecret } from "./vault.ts";

type Resolve = (source: ValueSource) => string;

/** Builds Infisical's state from an estate, generating every secret. */
export function foundInfisical(
  estate: Estate["infisical"],
  email: string,
  resolve: Resolve,
  world: World,
): InfisicalState {
  const { generation, projects, identities } = estate;
  return {
    generation,
    signingKey: world.random(32).toString("base64"),
    organization: { id: uuid(world.random), name: "MooseQuest" },
    projects: projects.map((one) => foundProject(one, identities, resolve, world)),
    identities: identities.map(({ id, name }) => ({
      id,
      name,
      clientId: uuid(world.random),
      clientSecrets: [{ id: uuid(world.random), secret: hex(world.random, 32), revokedAt: null }],
      accessTokenTtlSeconds: 7200,
      accessTokenMaxTtlSeconds: 2_592_000,
      failures: { count: 0, since: 0, lockedUntil: 0 },
    })),
    users: [{ id: uuid(world.random), email }],
    tokens: [],
    serviceTokens: [],
    rate: {},
    settings: {
      rateLimits: generation === "v3",
      proxy: null,
      approvalsCoverIdentities: false,
      approvalsShownToIdentities: false,
    },
  };
}

function foundProject(
  project: Estate["infisical"]["projects"][number],
  identities: Estate["infisical"]["identities"],
  resolve: Resolve,
  world: World,
): Project {
  const environments = Object.entries({ dev: "Development", staging: "Staging", prod: "Production" });
  const { id, slug, name } = project;
  const found: Project = {
    id,
    slug,
    name,
    environments: environments.map(([key, title]) => ({ id: uuid(world.random), slug: key, name: title })),
    folders: [],
    secrets: [],
    tags: [],
    members: identities.flatMap((one) => {
      const role = one.roles[id];
      return role === undefined ? [] : [newMember(id, one.id, role, world)];
    }),
    imports: [],
    syncs: [],
    approvalPolicies: [],
    approvals: [],
    enforceCapitalization: false,
  };
  for (const environment of found.environments) ensureFolder(found, environment.id, "/", world);
  for (const { environment, path, key, value, versions = 1 } of project.secrets) {
    const environmentId = found.environments.find((one) => one.slug === environment)?.id ?? "";
    const folder = ensureFolder(found, environmentId, path, world);
    const values = Array.from({ length: versions }, (_, index) =>
      index === versions - 1 ? resolve(value) : alphanumeric(world.random, 36),
    );
    const secret = createSecret(found, folder, key, { value: values[0] ?? "" }, "estate", world);
    for (const later of values.slice(1)) updateSecret(secret, { value: later }, "estate", world);
  }
  return found;
}
