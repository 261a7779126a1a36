import { RAXX, raxxApp, raxxAuthorizations, raxxGithub, raxxInfisical } from "./raxx.ts";

/** A value in an estate, by where it comes from; no secret is ever written down. */
export type ValueSource =
  /** The token of a Heroku authorization. */
  | { authorization: string }
  /** So many random letters and digits. */
  | { generated: number }
  /** Something that is not secret. */
  | { text: string };

/** What exists at the vendors when a sandbox is made. */
export interface Estate {
  heroku: {
    account: { id: string; email: string; name: string; federated: boolean };
    authorizations: {
      id: string;
      description: string;
      scope: string[];
      createdAt: string;
      isDefault?: boolean;
    }[];
    apps: EstateApp[];
  };
  github: {
    repositories: EstateRepository[];
    tokens: {
      name: string;
      login: string;
      userId: number;
      permissions: Record<string, "read" | "write">;
      repositories: number[];
    }[];
  };
  infisical: {
    generation: "v3" | "v4";
    projects: { id: string; slug: string; name: string; secrets: EstateSecret[] }[];
    identities: { id: string; name: string; roles: Record<string, "admin" | "member" | "viewer"> }[];
  };
}

/** An app of an estate. */
export interface EstateApp {
  id: string;
  name: string;
  releaseCommand: string | null;
  config: Record<string, ValueSource>;
  addonVars: string[];
  formation: { type: string; quantity: number; size: string; command: string }[];
  /** How many releases it has had. */
  releases: number;
}

/** A repository of an estate. */
export interface EstateRepository {
  id: number;
  owner: string;
  name: string;
  secrets: Record<string, ValueSource>;
  secretsWrittenAt: string;
  environments: { name: string; secrets: Record<string, ValueSource> }[];
  workflows: { id: number; name: string; path: string; dispatchable: boolean; deploysWith: string | null }[];
}

/** A secret in the vault of an estate; its folder is made with it. */
interface EstateSecret {
  environment: string;
  path: string;
  key: string;
  value: ValueSource;
  /** How many versions it has; 1 where absent. */
  versions?: number;
}

/** The estate that the SOPs of Raxx describe, after the rotation of 2026-07-01. */
export function raxxEstate(options: { generation?: "v3" | "v4"; releaseCommand?: boolean } = {}): Estate {
  return {
    heroku: {
      account: {
        id: "5b8e1f70-24c9-4d3a-a6f1-c07d92e8b451",
        email: "kris@moosequest.net",
        name: "Kristerpher",
        federated: false,
      },
      authorizations: raxxAuthorizations(),
      apps: Object.entries(RAXX.apps).map(([name, id]) => raxxApp(id, name, options.releaseCommand === true)),
    },
    github: raxxGithub(),
    infisical: raxxInfisical(options.generation ?? "v4"),
  };
}
