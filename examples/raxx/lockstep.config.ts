import { defineConfig, env } from "lockstep";

// The Heroku key of the written procedures: docs/ops/runbooks/rotation/heroku-platform-token.md.
const account = "kris@moosequest.net";
const project = "6d0e3b52-8f4c-4f9a-b1d7-2c95e7a04f38";
const apps = [
  { name: "raxx-api-staging", id: "2c9f60b8-d741-4ea3-95b2-e03a86f1d75c" },
  { name: "raxx-console-staging", id: "84a2e7f0-6b1d-4935-bc08-37f5d9c14e62" },
  { name: "raxx-api-prod", id: "b7e4a9d1-3f52-4c86-a0e9-58d21c7f6b34" },
  { name: "raxx-console-prod", id: "f15d83c6-0a9e-4b27-8d64-9b7c2e50a1f3" },
] as const;

const configVar = ({ name, id }: (typeof apps)[number]) =>
  ({
    kind: "heroku-config-var",
    connection: "heroku",
    app: name,
    appId: id,
    fields: { token: "HEROKU_API_KEY" },
  }) as const;

export default defineConfig({
  // By the name of the operating system's user. In the sandbox whoever is at the machine may do everything.
  operators: {
    kris: { role: "superadmin", email: "ops@raxx.app", slack: "U02KRISOPS" },
  },
  notify: {
    slack: { connection: "slack" },
    email: {
      url: "smtp://smtp.raxx.app:587",
      from: "lockstep@raxx.app",
      credential: { user: env("SMTP_USER"), password: env("SMTP_PASSWORD") },
    },
  },
  connections: {
    // Lockstep works with the very key that it rotates, and goes over to the new one once that is validated.
    heroku: { vendor: "heroku", credential: { secret: "heroku-api-key" } },
    github: { vendor: "github", credential: { token: env("GITHUB_API_SECRETS_TOKEN") } },
    infisical: {
      vendor: "infisical",
      credential: { clientId: env("INFISICAL_CLIENT_ID"), clientSecret: env("INFISICAL_CLIENT_SECRET") },
    },
    slack: { vendor: "slack", credential: { token: env("SLACK_BOT_TOKEN") } },
    // Pages of our own; no credential goes along.
    "raxx-api": { vendor: "web", url: "https://api.raxx.app" },
  },
  // The kill switch of live trading: closed by TRADING_LIVE_DISABLED=1, proved once the API says so itself.
  interlocks: {
    "live-trading": {
      kind: "heroku-flag",
      connection: "heroku",
      app: apps[2].name,
      appId: apps[2].id,
      name: "TRADING_LIVE_DISABLED",
      probes: {
        closed: {
          kind: "http",
          connection: "raxx-api",
          path: "/health/trading",
          json: { live_enabled: false },
        },
        open: { kind: "http", connection: "raxx-api", path: "/health/trading", json: { live_enabled: true } },
      },
    },
  },
  secrets: {
    "heroku-api-key": {
      system: "Heroku Platform API credential (HEROKU_API_KEY)",
      owner: "sre-agent / operator (Kristerpher)",
      role: "ops",
      environment: "production",
      cadence: "90d",
      sop: "docs/ops/runbooks/rotation/heroku-platform-token.md",
      issuer: {
        kind: "heroku-authorization",
        connection: "heroku",
        account,
        scope: ["global"],
        description: "raxx-ci-rotation-{YYYY-MM}",
        apps: [...apps],
        // Authorizations of others: never ended by a rotation of this secret.
        known: [
          { id: "1f970877", description: "prod-deploy-key: session bootstrap of the operator" },
          { id: "059730bb", description: "claude-code-2026: an IDE session" },
          { id: "565e7b32", description: "raxx-billing-collector" },
          { id: "0ef029d2", description: "billing collector, read" },
          { id: "6952371b", description: "billing collector, read" },
          { id: "dce15776", description: "billing collector, read" },
        ],
      },
      vault: {
        kind: "infisical",
        connection: "infisical",
        project,
        environment: "prod",
        path: "/MooseQuest/heroku",
        fields: { token: "HEROKU_API_KEY" },
      },
      destinations: [
        [
          {
            kind: "github-actions-secret",
            connection: "github",
            repository: "raxx-app/TradeMasterAPI",
            repositoryId: 913_204_771,
            fields: { token: "HEROKU_API_KEY" },
          },
        ],
        [configVar(apps[0]), configVar(apps[1])],
        [configVar(apps[2]), configVar(apps[3])],
      ],
      consumers: [
        { name: "CI/CD (deploy-heroku.yml)", reads: "GitHub Actions secret HEROKU_API_KEY" },
        { name: "four Heroku apps", reads: "config var HEROKU_API_KEY, at the start of a dyno" },
        {
          name: "agent sessions (SRE, ops)",
          reads: "HEROKU_API_KEY_PROD, from the vault by session-bootstrap.sh",
          pulls: true,
        },
      ],
    },
    "heroku-billing-api-key": {
      system: "Heroku billing collector (HEROKU_BILLING_API_KEY)",
      owner: "sre-agent / operator (Kristerpher)",
      role: "ops",
      environment: "production",
      cadence: "90d",
      issuer: {
        kind: "heroku-authorization",
        connection: "heroku",
        account,
        scope: ["read"],
        description: "raxx-billing-rotation-{YYYY-MM}",
      },
      vault: {
        kind: "infisical",
        connection: "infisical",
        project,
        environment: "prod",
        path: "/MooseQuest/heroku",
        fields: { token: "HEROKU_BILLING_API_KEY" },
      },
      consumers: [
        { name: "billing collector", reads: "vault /MooseQuest/heroku/HEROKU_BILLING_API_KEY", pulls: true },
      ],
    },
  },
});
