import { raxxGithub } from "./github/raxx.ts";
import type { Audience, Role, SecretKind } from "./github/state.ts";
import type { Role as VaultRole } from "./infisical/state.ts";
import { RAXX, raxxApp, raxxAuthorizations, raxxInfisical, raxxMail, raxxSlack } from "./raxx.ts";

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
      /** Login of the resource owner; the user itself where absent. */
      owner?: string;
      permissions: Record<string, "read" | "write">;
      /** `write` where absent. */
      role?: Role;
      repositories: readonly number[];
    }[];
    organizations?: readonly {
      id: number;
      login: string;
      secrets: readonly EstateOrganizationSecret[];
    }[];
  };
  infisical: {
    generation: "v3" | "v4";
    projects: { id: string; slug: string; name: string; secrets: EstateSecret[] }[];
    identities: { id: string; name: string; roles: Record<string, VaultRole> }[];
  };
  slack: {
    team: { id: string; name: string; domain: string };
    /** With all scopes that the sandbox knows where none are named. */
    bots: { id: string; userId: string; name: string; scopes?: string[] }[];
    users: { id: string; name: string; realName: string; email: string }[];
  };
  mail: {
    /** Names that sign in. */
    accounts: string[];
    /** Whether mail is refused from clients that did not sign in. */
    authRequired: boolean;
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
  dependabot?: Record<string, ValueSource>;
  codespaces?: Record<string, ValueSource>;
  workflows: EstateWorkflow[];
}

/** A workflow of an estate: one that may deploy, or a proof workflow (github/proof.ts) for the secrets of its list. */
export type EstateWorkflow = { id: number; name: string; path: string; environment?: string } & (
  | {
      kind?: "deploy";
      dispatchable: boolean;
      deploysWith: string | null;
      /** Inputs that a dispatch may carry. */
      inputs?: Record<string, { required?: boolean; options?: string[] }>;
    }
  | { kind: "proof"; secrets: readonly string[] }
);

/** A secret of an organization of an estate. */
interface EstateOrganizationSecret {
  kind: SecretKind;
  name: string;
  value: ValueSource;
  visibility: Audience["visibility"];
  /** Ids of the repositories that `selected` names. */
  repositories?: readonly number[];
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
    slack: raxxSlack(),
    mail: raxxMail(),
  };
}
