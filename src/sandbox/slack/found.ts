import type { Estate } from "../estate.ts";
import type { World } from "../world.ts";
import { newBot, SLACK_SCOPES } from "./acts.ts";
import type { SlackState } from "./state.ts";

/** Builds Slack's state from an estate, generating the tokens. */
export function foundSlack({ team, bots, users }: Estate["slack"], world: World): SlackState {
  return {
    team,
    bots: bots.map((one) => newBot({ ...one, scopes: one.scopes ?? SLACK_SCOPES }, world)),
    users: users.map((one) => ({ ...one, deactivatedAt: null })),
    channels: [],
    messages: [],
    rate: {},
    lastMicroseconds: 0,
    settings: { postsPerMinute: 60, messagesTab: true },
  };
}
