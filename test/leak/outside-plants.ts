import type { Sandbox } from "../../src/sandbox/sandbox.ts";

/** New values, each written in another way, that are to be found in sinks of such a name. */
type Plants = (where: RegExp) => string;

/** What vendors were told, and what they show to others than the owner of a value. */
export function plantOutside(sandbox: Sandbox, plants: Plants): void {
  const { slack, mail, control } = sandbox;
  const at = Date.now();
  const message = { ts: "1", channelId: "D", botId: "B", metadata: null, threadTs: null, at };
  slack.messages.push({
    ...message,
    text: plants(/^slack messages$/),
    blocks: [{ deep: [{ text: plants(/^slack messages$/) }] }],
  });
  const parts = { text: plants(/^mail messages$/), html: plants(/^mail messages$/) };
  const headers = { "x-other": plants(/^mail messages$/) };
  const envelope = { from: "a", to: ["b"] };
  const subject = plants(/^mail messages$/);
  mail.messages.push({
    id: "x",
    at,
    user: null,
    envelope,
    from: "a",
    to: "b",
    messageId: null,
    ...parts,
    headers,
    subject,
  });
  control.act({
    act: "queue-run",
    repository: "raxx-app/TradeMasterAPI",
    workflow: "deploy-heroku.yml",
    inputs: { environment: plants(/^github runs$/) },
  });
  plantInVault(sandbox, plants);
  control.act({ act: "create-authorization", description: plants(/^heroku descriptions$/), scope: ["read"] });
  const request = { at, vendor: "heroku", method: "GET", status: 200, effect: "read" } as const;
  const rest = { requestId: null, credential: null, fields: [], fault: null, userAgent: null };
  const [path, query] = [plants(/^requests as vendors log them$/), plants(/^requests as vendors log them$/)];
  control.journal.add({ ...request, ...rest, path, query });
}

/** A claim with a value in it, and one beside it. */
function plantInVault({ infisical }: Sandbox, plants: Plants): void {
  const [project] = infisical.projects;
  const [entry] = project?.secrets ?? [];
  if (!project || !entry) throw new Error("the estate has no vault");
  const folder = {
    ...project.folders[0],
    id: "claims",
    name: "lockstep",
  } as (typeof project.folders)[number];
  project.folders.push(folder);
  const [version] = entry.versions;
  if (!version) throw new Error("the estate's vault is empty");
  project.secrets.push({
    ...entry,
    id: "claim",
    folderId: "claims",
    comment: plants(/^vault folders, comments and metadata$/),
    versions: [{ ...version, value: plants(/^vault claims$/) }],
  });
}
