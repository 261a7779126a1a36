/** Slack as it truly is, tokens included. */
export interface SlackState {
  team: { id: string; name: string; domain: string };
  bots: SlackBot[];
  users: SlackUser[];
  /** Direct messages between a bot and a person; nobody else sees them. */
  channels: DirectChannel[];
  /** Oldest first. */
  messages: SlackMessage[];
  /** Messages counted per channel in the running minute. */
  rate: Record<string, { count: number; resetAt: number }>;
  /** The last message's time in microseconds: no two messages have the same. */
  lastMicroseconds: number;
  settings: SlackSettings;
}

/** Behaviour that differs by workspace. */
export interface SlackSettings {
  /** How many messages a minute a channel takes before 429; null for any number. */
  postsPerMinute: number | null;
  /** Whether bots may write to people at all: the Messages tab of the app's home. */
  messagesTab: boolean;
}

/** An installed app with its bot user. */
export interface SlackBot {
  /** `B...` */
  id: string;
  /** `U...` */
  userId: string;
  appId: string;
  name: string;
  token: string;
  scopes: string[];
  revokedAt: number | null;
}

/** A person. */
export interface SlackUser {
  id: string;
  name: string;
  realName: string;
  email: string;
  deactivatedAt: number | null;
}

/** A conversation of one bot with one person; its id says nothing to any other bot. */
export interface DirectChannel {
  /** `D...` */
  id: string;
  botId: string;
  userId: string;
  createdAt: number;
}

/** A message of a bot to a person. */
export interface SlackMessage {
  /** Seconds and microseconds; names the message in its channel. */
  ts: string;
  channelId: string;
  botId: string;
  text: string;
  blocks: Record<string, unknown>[];
  metadata: { event_type: string; event_payload: Record<string, unknown> } | null;
  threadTs: string | null;
  at: number;
}

/** The channel of this bot with this person, opened where it is not yet. */
export function directChannel(
  state: SlackState,
  bot: SlackBot,
  user: SlackUser,
  make: { id: string; now: number },
): { channel: DirectChannel; opened: boolean } {
  const open = state.channels.find((one) => one.botId === bot.id && one.userId === user.id);
  if (open) return { channel: open, opened: false };
  const channel = { id: make.id, botId: bot.id, userId: user.id, createdAt: make.now };
  state.channels.push(channel);
  return { channel, opened: true };
}
