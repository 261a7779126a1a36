import path from "node:path";
import { RAXX } from "../../src/sandbox/raxx.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { SWITCH } from "./truth.ts";

/** What people do at the vendors while a run is under way. */
export const ACTS = [
  "edits the vault",
  "puts the old key back into the vault",
  "puts another's key into the vault",
  "edits an app's variable",
  "turns an app's kill switch",
  "rolls an app back",
  "lets the release phase fail",
  "lets the new release crash",
  "revokes the old key",
  "revokes the new key",
  "resets the password",
  "adds an environment secret",
  "writes the repository's secret",
  "copies the old key to a new place",
  "wants approvals for the vault",
  "no longer wants approvals for the vault",
  "merges what waits for approval",
  "rejects what waits for approval",
  "gives the repository's name to another",
  "starts a one-off process",
  "schedules a command",
  "turns preboot on",
  "queues a job",
  "takes the vault's rights away",
  "gives the vault's rights back",
] as const;

export type Act = (typeof ACTS)[number];

/** Those that change which key lives or which copy holds what: afterwards a run may end otherwise than planned. */
export const DISTURBING: readonly Act[] = ACTS.filter(
  (act) =>
    ![
      "turns an app's kill switch",
      "starts a one-off process",
      "schedules a command",
      "turns preboot on",
      "queues a job",
      "lets the release phase fail",
    ].includes(act),
);

const VAULT = { environment: "prod", path: "/MooseQuest/heroku" } as const;
const KEY = "HEROKU_API_KEY";
const REPOSITORY = "raxx-app/TradeMasterAPI";
const OLD = { authorization: RAXX.currentAuthorization } as const;

/** Does it; nothing where there is nothing to do it to. */
export function perform(sandbox: Sandbox, act: Act, tag: string): void {
  // An estate without such a copy has nobody who looks there.
  if (act.includes("secret") && !sandbox.github.repositories.some(({ secrets }) => secrets.length > 0))
    return;
  const { control, heroku } = sandbox;
  const app = heroku.apps.at(-1)?.name;
  const fresh = heroku.authorizations.findLast(
    (one) => one.description.endsWith(tag) && one.deletedAt === null,
  );
  switch (act) {
    case "edits the vault":
      control.act({ act: "set-vault-secret", ...VAULT, key: KEY, value: { generated: 40 } });
      return;
    case "puts the old key back into the vault":
      control.act({ act: "set-vault-secret", ...VAULT, key: KEY, value: OLD });
      return;
    case "puts another's key into the vault":
      control.act({
        act: "set-vault-secret",
        ...VAULT,
        key: KEY,
        value: { authorization: RAXX.billingAuthorization },
      });
      return;
    case "edits an app's variable":
      if (app) control.act({ act: "set-config-var", app, name: KEY, value: OLD });
      return;
    case "turns an app's kill switch":
      if (app) control.act({ act: "set-config-var", app, name: SWITCH, value: { text: "0" } });
      return;
    case "rolls an app back":
      if (app) control.act({ act: "heroku.rollback", app, release: previousOf(sandbox, app) });
      return;
    case "lets the release phase fail":
      if (app) control.set({ apps: { [app]: { releaseCommand: "migrate", releaseFails: true } } });
      return;
    case "lets the new release crash":
      if (app) control.act({ act: "heroku.crashing", app, while: "new value", variable: KEY });
      return;
    case "revokes the old key":
      control.act({ act: "delete-authorization", id: RAXX.currentAuthorization });
      return;
    case "revokes the new key":
      if (fresh) control.act({ act: "delete-authorization", id: fresh.id });
      return;
    case "resets the password":
      control.act({ act: "heroku.password-reset" });
      return;
    case "adds an environment secret":
      control.act({
        act: "set-github-environment",
        repository: REPOSITORY,
        environment: "production",
        exists: true,
      });
      control.act({
        act: "set-github-secret",
        repository: REPOSITORY,
        environment: "production",
        name: KEY,
        value: OLD,
      });
      return;
    case "writes the repository's secret":
      control.act({ act: "set-github-secret", repository: REPOSITORY, name: KEY, value: OLD });
      return;
    case "copies the old key to a new place":
      control.act({ act: "set-vault-secret", ...VAULT, key: "COPY_OF_HEROKU_API_KEY", value: OLD });
      return;
    case "wants approvals for the vault":
    case "no longer wants approvals for the vault":
      control.act({
        act: "set-approval-policy",
        ...VAULT,
        on: act === "wants approvals for the vault",
        coversIdentities: true,
      });
      return;
    case "merges what waits for approval":
    case "rejects what waits for approval":
      for (const id of waiting(sandbox))
        control.act({
          act: "decide-approval",
          id,
          decision: act === "merges what waits for approval" ? "merge" : "reject",
        });
      return;
    case "starts a one-off process":
      if (app) control.act({ act: "heroku.run", app, command: "python manage.py shell", forSeconds: 900 });
      return;
    case "schedules a command":
      if (app) {
        const command = "python manage.py collect";
        control.act({ act: "heroku.schedule", app, command, everySeconds: 600, forSeconds: 240 });
      }
      return;
    case "turns preboot on":
      if (app) control.act({ act: "heroku.preboot", app, on: true });
      return;
    case "gives the repository's name to another":
      renameRepository(sandbox);
      return;
    case "queues a job":
      queueJob(sandbox);
      return;
    case "takes the vault's rights away":
    case "gives the vault's rights back":
      control.act({
        act: "set-vault-permission",
        identity: "lockstep",
        actions: ["edit"],
        allow: act === "gives the vault's rights back",
        ...VAULT,
      });
  }
}

function previousOf({ heroku }: Sandbox, name: string): number {
  const releases = heroku.apps.find((one) => one.name === name)?.releases ?? [];
  const worked = releases.filter(({ status }) => status === "succeeded");
  return (worked.at(-2) ?? worked.at(-1))?.version ?? 1;
}

function waiting({ infisical }: Sandbox): readonly string[] {
  return infisical.projects.flatMap(({ approvals }) =>
    approvals.filter(({ status }) => status === "open").map(({ id }) => id),
  );
}

/** The repository goes on under another name; what is called like it now is somebody else's, and visible to our token. */
function renameRepository({ control, github }: Sandbox): void {
  const repository = github.repositories.find((one) => `${one.owner}/${one.name}` === REPOSITORY);
  if (!repository || repository.formerNames.length > 0) return;
  control.act({ act: "rename-repository", repository: REPOSITORY, name: "TradeMasterAPI-2" });
  const { id } = control.act({ act: "create-repository", repository: REPOSITORY });
  github.tokens.find(({ name }) => name === "rotation")?.repositories.push(Number(id));
}

function queueJob({ control, github }: Sandbox): void {
  const [repository] = github.repositories;
  const workflow = repository?.workflows.find(({ path }) => path.includes("deploy"))?.path;
  if (repository && workflow)
    control.act({
      act: "queue-run",
      repository: `${repository.owner}/${repository.name}`,
      workflow: path.basename(workflow),
    });
}
