import type { Estate, EstateApp } from "./estate.ts";

/** Ids of the estate of the SOPs that configurations and tests name. */
export const RAXX = {
  currentAuthorization: "85f3a15a-6c41-4f0e-9d52-7be1f0a3c8d4",
  sessionAuthorization: "1f970877-9b2f-4899-ac67-030049fd7833",
  billingAuthorization: "0ef029d2-53b8-4a17-8c6e-d1f94b27a065",
  /** Nobody holds it; another one is described by the same words. */
  unusedAuthorization: "73f5fe49-b802-4c5d-9e17-46d3a0c8f2b1",
  namesakeAuthorization: "9d5ec3c4-7a16-4e92-8fb3-05c9d1e47a80",
  repositoryId: 913_204_771,
  projectId: "6d0e3b52-8f4c-4f9a-b1d7-2c95e7a04f38",
  slackBot: "B06LOCKSTP",
  operator: "U02KRISOPS",
  apps: {
    "raxx-api-prod": "b7e4a9d1-3f52-4c86-a0e9-58d21c7f6b34",
    "raxx-api-staging": "2c9f60b8-d741-4ea3-95b2-e03a86f1d75c",
    "raxx-console-prod": "f15d83c6-0a9e-4b27-8d64-9b7c2e50a1f3",
    "raxx-console-staging": "84a2e7f0-6b1d-4935-bc08-37f5d9c14e62",
  },
  /** Where people reach them, besides at Heroku's own name for them. */
  addresses: { "raxx-api-prod": ["https://api.raxx.app"] },
} as const;

/** Every authorization of the inventory, and the account's own API key. */
export function raxxAuthorizations(): Estate["heroku"]["authorizations"] {
  const global = ["global"];
  const billing = "billing collector — Raxx Console - 2026-06-04";
  return [
    {
      id: RAXX.currentAuthorization,
      description: "raxx-ci-rotation-2026-07",
      scope: global,
      createdAt: "2026-07-01T14:02:11Z",
    },
    {
      id: RAXX.sessionAuthorization,
      description: "prod-deploy-key",
      scope: global,
      createdAt: "2026-03-18T09:20:45Z",
    },
    {
      id: "f44d9427-1c3b-4d68-b95e-80a7e2f6c913",
      description: "github-actions-craps-deploy",
      scope: global,
      createdAt: "2026-01-11T17:31:02Z",
    },
    {
      id: RAXX.unusedAuthorization,
      description: "raxx-platform-token-2026-05-06",
      scope: global,
      createdAt: "2026-05-06T03:15:20Z",
    },
    {
      id: RAXX.namesakeAuthorization,
      description: "raxx-platform-token-2026-05-06",
      scope: global,
      createdAt: "2026-05-06T03:15:52Z",
    },
    {
      id: "99f3c0a4-e58d-4b31-a2c6-9f70b84d1e65",
      description: "billing-collector-readonly-2026-05-06",
      scope: global,
      createdAt: "2026-05-06T04:01:37Z",
    },
    {
      id: "059730bb-4f9c-47a2-b6e1-d83f5c20a974",
      description: "claude-code-2026",
      scope: global,
      createdAt: "2026-02-02T12:44:08Z",
    },
    {
      id: "565e7b32-0d81-4c4f-93a5-b6e9f127c8d0",
      description: "raxx-billing-collector",
      scope: global,
      createdAt: "2026-04-20T08:00:00Z",
    },
    {
      id: RAXX.billingAuthorization,
      description: billing,
      scope: ["read"],
      createdAt: "2026-06-04T10:10:10Z",
    },
    {
      id: "6952371b-c94a-4e0f-a7d8-2b16e5f38c90",
      description: billing,
      scope: ["read"],
      createdAt: "2026-06-04T10:12:31Z",
    },
    {
      id: "dce15776-8e23-4f5b-9c04-71a6d0b9e3f2",
      description: billing,
      scope: ["read"],
      createdAt: "2026-06-04T10:14:03Z",
    },
    {
      id: "e2b70d95-f316-4a8c-8b5e-64c1f9d0a72e",
      description: "API Key",
      scope: global,
      createdAt: "2025-11-03T16:00:00Z",
      isDefault: true,
    },
  ];
}

/** One app: it holds the current key beside other config vars. */
export function raxxApp(id: string, name: string, releaseCommand: boolean): EstateApp {
  const environment = name.endsWith("-prod") ? "production" : "staging";
  return {
    id,
    name,
    releaseCommand: releaseCommand ? "python manage.py migrate" : null,
    config: {
      HEROKU_API_KEY: { authorization: RAXX.currentAuthorization },
      APP_ENV: { text: environment },
      LOG_LEVEL: { text: "info" },
      SECRET_KEY: { generated: 50 },
      DATABASE_URL: { text: `postgres://sandbox.invalid/${name}` },
    },
    addonVars: ["DATABASE_URL"],
    formation: [
      {
        type: "web",
        quantity: environment === "production" ? 2 : 1,
        size: "standard-1X",
        command: "gunicorn app:app",
      },
      {
        type: "worker",
        quantity: name.startsWith("raxx-console") ? 1 : 0,
        size: "standard-1X",
        command: "python worker.py",
      },
    ],
    releases: 4,
  };
}

/** The vault, with an identity that writes, one that reads, and one that is no member. */
export function raxxInfisical(generation: "v3" | "v4"): Estate["infisical"] {
  const path = "/MooseQuest/heroku";
  const vault = { environment: "prod", path };
  return {
    generation,
    projects: [
      {
        id: RAXX.projectId,
        slug: "moose-quest-je-oq",
        name: "MooseQuest",
        secrets: [
          {
            ...vault,
            key: "HEROKU_API_KEY",
            value: { authorization: RAXX.currentAuthorization },
            versions: 3,
          },
          { ...vault, key: "HEROKU_BILLING_API_KEY", value: { authorization: RAXX.billingAuthorization } },
          { environment: "prod", path: "/MooseQuest/app", key: "SECRET_KEY", value: { generated: 50 } },
        ],
      },
    ],
    identities: [
      { id: "a30f6c1d-95e7-4b82-8d0a-f4c6e1b2793e", name: "lockstep", roles: { [RAXX.projectId]: "member" } },
      { id: "c7d2e8b4-1f60-4a39-b5c8-0e9d3f7a6124", name: "viewer", roles: { [RAXX.projectId]: "viewer" } },
      { id: "3e91b5f8-60c2-4d7e-a4f9-b8d01c5e2a67", name: "stranger", roles: {} },
    ],
  };
}

/** The workspace: Lockstep's bot and the operator. */
export function raxxSlack(): Estate["slack"] {
  return {
    team: { id: "T02RAXXHQ1", name: "Raxx", domain: "raxx" },
    bots: [{ id: RAXX.slackBot, userId: "U06LOCKBOT", name: "lockstep" }],
    users: [{ id: RAXX.operator, name: "kris", realName: "Kristerpher", email: "kris@moosequest.net" }],
  };
}

/** The mail server: who sends there signs in. */
export function raxxMail(): Estate["mail"] {
  return { accounts: ["lockstep@moosequest.net"], authRequired: true };
}
