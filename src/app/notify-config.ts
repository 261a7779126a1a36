import { z } from "zod";
import type { Config } from "./config.ts";

const fromEnvironment = z.strictObject({
  env: z.string().regex(/^\w+$/, "the name of an environment variable"),
});

/** A Slack member id, `U…`: a channel id belongs to one bot and is looked up. */
export const slackMember = z.string().regex(/^[UW][A-Z0-9]{5,}$/, "a Slack member id such as U0AJ7K184TV");

/** How people are told. Who is told stands at the operators; `also` names those who are told of everything. */
export const notify = z.strictObject({
  slack: z
    .strictObject({
      connection: z.string(),
      also: z.array(slackMember).default([]),
    })
    .optional(),
  email: z
    .strictObject({
      url: z.url({ protocol: /^smtps?$/, error: "smtp://host:port or smtps://host:port" }),
      from: z.email(),
      credential: z.strictObject({ user: fromEnvironment, password: fromEnvironment }).optional(),
      also: z.array(z.email()).default([]),
    })
    .optional(),
});

interface Mistake {
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

/** What is wrong with it beside the rest of the configuration. */
export function notifyMistakes(config: Pick<Config, "notify" | "connections" | "operators">): Mistake[] {
  const { slack, email } = config.notify ?? {};
  const people = Object.values(config.operators ?? {});
  const nobody = (channel: "slack" | "email"): Mistake => ({
    path: `notify.${channel}.also`,
    found: "nobody: no operator has an address of this kind",
    allowed: "at least one",
  });
  return [
    ...(email ? urlMistakes(email.url) : []),
    ...(email?.also.length === 0 && !people.some((one) => one.email) ? [nobody("email")] : []),
    ...(slack ? connectionMistakes(slack.connection, config.connections) : []),
    ...(slack?.also.length === 0 && !people.some((one) => one.slack) ? [nobody("slack")] : []),
  ];
}

// Nothing of the URL is repeated: it may hold a password.
function urlMistakes(text: string): Mistake[] {
  const path = "notify.email.url";
  const { username, password, hostname } = new URL(text);
  const where = "user and password stand in notify.email.credential";
  if (username !== "" || password !== "")
    return [{ path, found: "a URL with a user or password", allowed: `smtp://host:port; ${where}` }];
  return hostname === "" ? [{ path, found: "no host", allowed: "smtp://host:port" }] : [];
}

function connectionMistakes(id: string, connections: Config["connections"]): Mistake[] {
  const path = "notify.slack.connection";
  const found = connections[id];
  if (found?.vendor !== "slack") {
    const ids = Object.keys(connections).filter((one) => connections[one]?.vendor === "slack");
    const allowed = ids.join(", ") || "a connection of slack; none is configured";
    return [{ path, found: found ? `a connection of ${found.vendor}` : "no such connection", allowed }];
  }
  if (typeof found.credential["secret"] !== "string") return [];
  // A message must not depend on the vault whose outage it tells of.
  const allowed = "a connection whose token comes from the environment";
  return [{ path, found: "one whose token is a managed secret", allowed }];
}
