/** What the outside has been told: the parts of the vendors' own state in which no value belongs. */
import type { Project, VaultSecret } from "../../src/sandbox/infisical/state.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { Sink } from "./sinks.ts";

/** Whether an entry of the vault is a claim: it says who rotates what stands one folder higher. */
export function isClaim({ folders }: Project, { folderId }: VaultSecret): boolean {
  return folders.some((one) => one.id === folderId && one.name === "lockstep");
}

/** Messages to people, the claim folder, inputs and titles of workflow runs, descriptions of authorizations, and all requests. */
export function outsideSinks(sandbox: Sandbox): readonly Sink[] {
  const { heroku, github, infisical, slack, mail, control } = sandbox;
  const runs = github.repositories.flatMap((one) => one.runs);
  const claims = infisical.projects.flatMap((project) =>
    project.secrets.filter((one) => isClaim(project, one)),
  );
  const beside = infisical.projects.flatMap(({ folders, secrets }) => [
    folders.map((one) => one.name),
    secrets.map(({ key, comment, metadata, reminderNote }) => ({ key, comment, metadata, reminderNote })),
  ]);
  return [
    sink("slack messages", slack.messages),
    sink("mail messages", mail.messages),
    sink("vault claims", claims),
    sink("vault folders, comments and metadata", beside),
    // Not the values that a run holds: GitHub gives them to its jobs.
    sink(
      "github runs",
      runs.map(({ title, ref, inputs, jobs }) => ({ title, ref, inputs, jobs })),
    ),
    sink(
      "heroku descriptions",
      heroku.authorizations.map((one) => one.description),
    ),
    sink("requests as vendors log them", control.journal.list()),
  ];
}

/** Each text by itself and as it is: JSON would write some characters differently. */
function sink(name: string, content: unknown): Sink {
  return { name, bytes: Buffer.from(textsOf(content).join("\n")) };
}

function textsOf(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  if (typeof content !== "object" || content === null) return [];
  return Object.entries(content).flatMap(([name, part]) => [name, ...textsOf(part)]);
}
