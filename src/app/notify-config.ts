import { z } from "zod";
import type { Config, Partly } from "./config.ts";
import type { Mistake } from "./config-mistake.ts";

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

/** What is wrong with it beside the rest of the configuration; `operators` is undefined where they are not understood. */
export function notifyMistakes(
  { notify: ways, connections }: Partly<Config>,
  operators: Partly<Config["operators"]>,
): Mistake[] {
  const { slack, email } = ways ?? {};
  const toldNobody = (channel: "slack" | "email", also: readonly unknown[] | undefined) =>
    operators !== undefined && also?.length === 0 && !Object.values(operators).some((one) => one?.[channel]);
  const nobody = (channel: "slack" | "email"): Mistake => ({
    path: `notify.${channel}.also`,
    found: "nobody: no operator has an address of this kind",
    allowed: "at least one",
  });
  return [
    ...(email?.url === undefined ? [] : urlMistakes(email.url)),
    ...(toldNobody("email", email?.also) ? [nobody("email")] : []),
    ...(slack?.connection === undefined || !connections
      ? []
      : connectionMistakes(slack.connection, connections)),
    ...(toldNobody("slack", slack?.also) ? [nobody("slack")] : []),
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

function connectionMistakes(id: string, connections: Partly<Config["connections"]>): Mistake[] {
  const path = "notify.slack.connection";
  const found = connections[id];
  if (Object.hasOwn(connections, id) && found?.vendor === undefined) return [];
  if (found?.vendor !== "slack") {
    const ids = Object.keys(connections).filter((one) => connections[one]?.vendor === "slack");
    const allowed = ids.join(", ") || "a connection of slack; none is configured";
    return [{ path, found: found ? `a connection of ${found.vendor}` : "no such connection", allowed }];
  }
  if (typeof found.credential?.["secret"] !== "string") return [];
  // A message must not depend on the vault whose outage it tells of.
  const allowed = "a connection whose token comes from the environment";
  return [{ path, found: "one whose token is a managed secret", allowed }];
}
