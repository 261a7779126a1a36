import type { Estate, EstateRepository, ValueSource } from "../estate.ts";
import { RAXX } from "../raxx.ts";

const SECRET = "HEROKU_API_KEY";
const repositories = [RAXX.repositoryId];

/** The repository that deploys, its organization, and tokens with and without permission. */
export function raxxGithub(): Estate["github"] {
  return { repositories: [repository()], organizations: [organization()], tokens: tokens() };
}

function repository(): EstateRepository {
  const current: ValueSource = { authorization: RAXX.currentAuthorization };
  const deploys = { dispatchable: true, deploysWith: SECRET, inputs: { environment: {} } };
  const file = (name: string) => `.github/workflows/${name}.yml`;
  return {
    id: RAXX.repositoryId,
    owner: "raxx-app",
    name: "TradeMasterAPI",
    secrets: { [SECRET]: current, SLACK_WEBHOOK: { generated: 40 } },
    secretsWrittenAt: "2026-07-01T14:05:40Z",
    dependabot: { NPM_TOKEN: { generated: 36 } },
    environments: [{ name: "production", secrets: { SENTRY_DSN: { generated: 32 } } }],
    workflows: [
      { id: 88_410_233, name: "Deploy to Heroku", path: file("deploy-heroku"), ...deploys },
      { id: 88_410_234, name: "Deploy console", path: file("deploy-console"), ...deploys },
      { id: 88_410_235, name: "Tests", path: file("tests"), dispatchable: false, deploysWith: null },
      {
        id: 88_410_236,
        name: "Lockstep proof",
        path: file("lockstep-proof"),
        kind: "proof",
        secrets: [SECRET],
      },
    ],
  };
}

function organization() {
  return {
    id: RAXX.repositoryId - 1,
    login: "raxx-app",
    secrets: [{ kind: "actions", name: "CODECOV_TOKEN", value: { generated: 36 }, visibility: "all" }],
  } as const;
}

function tokens(): Estate["github"]["tokens"] {
  const rotates = {
    metadata: "read",
    secrets: "write",
    environments: "write",
    actions: "write",
    issues: "write",
  } as const;
  const owner = "raxx-app";
  return [
    {
      name: "rotation",
      login: "raxx-rotation-bot",
      userId: 201_774_310,
      owner,
      role: "admin",
      permissions: { ...rotates },
      repositories,
    },
    {
      name: "rotation-wide",
      login: "raxx-rotation-bot",
      userId: 201_774_310,
      owner,
      role: "admin",
      permissions: {
        ...rotates,
        contents: "read",
        dependabot_secrets: "read",
        codespaces_secrets: "write",
        organization_secrets: "read",
        organization_dependabot_secrets: "read",
        organization_codespaces_secrets: "read",
      },
      repositories,
    },
    {
      name: "read-only",
      login: "raxx-reader",
      userId: 201_774_311,
      owner,
      role: "write",
      permissions: { metadata: "read", secrets: "read", actions: "read" },
      repositories,
    },
    {
      name: "no-secrets",
      login: "raxx-intern",
      userId: 201_774_312,
      owner,
      role: "read",
      permissions: { metadata: "read" },
      repositories,
    },
    {
      name: "outsider",
      login: "somebody-else",
      userId: 201_774_313,
      owner: "somebody-else",
      role: "read",
      permissions: { metadata: "read", secrets: "write" },
      repositories: [],
    },
  ];
}
