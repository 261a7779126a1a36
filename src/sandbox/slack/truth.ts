import type { SlackState } from "./state.ts";

/** Which bots live, and what each person was told, oldest first. */
export function slackTruth(slack: SlackState) {
  return {
    bots: slack.bots.map(({ id, name, revokedAt }) => ({ id, name, alive: revokedAt === null })),
    users: slack.users.map(({ id, name, email, deactivatedAt }) => {
      const channels = slack.channels.filter((one) => one.userId === id).map((one) => one.id);
      const messages = slack.messages
        .filter((one) => channels.includes(one.channelId))
        .map(({ ts, at, botId, channelId, text, blocks, metadata }) => {
          return { ts, at, bot: botId, channel: channelId, text, blocks, metadata };
        });
      return { id, name, email, active: deactivatedAt === null, messages };
    }),
  };
}
