import { alphanumeric } from "../random.ts";
import type { World } from "../world.ts";
import { slackId } from "./access.ts";
import type { SlackBot, SlackState } from "./state.ts";

/** What a workspace's administrators do. Bots go by their name, people by id or name. */
export type SlackAct =
  | { act: "slack.revoke-token"; bot: string }
  /** Installs the app again: a new token, the old one dead. */
  | { act: "slack.reinstall"; bot: string }
  | { act: "slack.set-scopes"; bot: string; scopes: string[] }
  /** Another app: what it opens, the first one cannot use. */
  | { act: "slack.install-bot"; name: string; scopes?: string[] }
  | { act: "slack.set-user"; user: string; active: boolean };

/** What a bot needs for all that this sandbox answers. */
export const SLACK_SCOPES = ["chat:write", "im:write", "im:history", "users:read", "users:read.email"];

/** Whether an act happens at Slack. */
export function isSlackAct(act: { act: string }): act is SlackAct {
  return act.act.startsWith("slack.");
}

/** Performs an act; throws where it names something that does not exist. */
export function performOnSlack(state: SlackState, act: SlackAct, world: World): { id?: string } {
  if (act.act === "slack.install-bot") {
    const ids = { id: slackId("B", world.random), userId: slackId("U", world.random) };
    const bot = newBot({ ...ids, name: act.name, scopes: act.scopes ?? SLACK_SCOPES }, world);
    state.bots.push(bot);
    return { id: bot.id };
  }
  if (act.act === "slack.set-user") {
    const user = state.users.find((one) => one.id === act.user || one.name === act.user);
    if (!user) throw new Error(`there is no ${act.user}`);
    user.deactivatedAt = act.active ? null : world.now();
    return { id: user.id };
  }
  const bot = state.bots.find((one) => one.name === act.bot);
  if (!bot) throw new Error(`there is no ${act.bot}`);
  if (act.act === "slack.revoke-token") bot.revokedAt = world.now();
  if (act.act === "slack.set-scopes") bot.scopes = act.scopes;
  if (act.act === "slack.reinstall") Object.assign(bot, { token: newToken(world), revokedAt: null });
  return { id: bot.id };
}

/** A bot with a new token. */
export function newBot(
  plan: { id: string; userId: string; name: string; scopes: readonly string[] },
  world: World,
): SlackBot {
  const appId = `A${plan.id.slice(1)}`;
  return { ...plan, scopes: [...plan.scopes], appId, token: newToken(world), revokedAt: null };
}

function newToken(world: World): string {
  return `xoxb-${world.random(6).readUIntBE(0, 6)}-${alphanumeric(world.random, 24)}`;
}
