import { isObject, wrote } from "../world.ts";
import { needScope, type SlackCall, SlackRefusal, slackIdOf, structure, text } from "./access.ts";
import { type DirectChannel, directChannel, type SlackMessage, type SlackUser } from "./state.ts";

const MAX_TEXT = 40_000;
const MAX_BLOCKS = 50;
const MAX_METADATA_BYTES = 8_192;

/** `conversations.open`: the direct channel with a person, the same one every time. */
export function conversationsOpen(asked: SlackCall) {
  needScope(asked, "im:write");
  const known = text(asked.fields, "channel");
  if (known !== undefined)
    return { channel: { id: ownChannel(asked, known).id }, no_op: true, already_open: true };
  const ids = text(asked.fields, "users")?.split(",").filter(Boolean) ?? [];
  if (ids.length === 0) throw new SlackRefusal("users_list_not_supplied");
  // Conversations of several people are not made here: what Lockstep says is for one person.
  if (ids.length > 1) throw new SlackRefusal("method_not_supported_for_channel_type");
  const user = personNamed(asked, ids[0] ?? "");
  const { channel, opened } = open(asked, user);
  if (opened) wrote(asked.call, "channel");
  const full = text(asked.fields, "return_im") === "true";
  const shown = { id: channel.id, created: Math.floor(channel.createdAt / 1000), is_im: true, is_open: true };
  const no = opened ? {} : { no_op: true, already_open: true };
  return { ...no, channel: full ? { ...shown, user: user.id } : { id: channel.id } };
}

/** `chat.postMessage`: to a channel of this bot, or to a person by id. */
export function chatPostMessage(asked: SlackCall) {
  needScope(asked, "chat:write");
  const { call, bot, fields } = asked;
  const channel = addressee(asked);
  if (!call.state.settings.messagesTab) throw new SlackRefusal("messages_tab_disabled");
  const words = text(fields, "text") ?? "";
  const blocks = blocksIn(fields);
  if (words === "" && blocks.length === 0) throw new SlackRefusal("no_text");
  if (words.length > MAX_TEXT) throw new SlackRefusal("msg_too_long");
  const metadata = metadataIn(fields);
  limit(asked, channel);
  const threadTs = text(fields, "thread_ts") ?? null;
  const { state, world } = call;
  state.lastMicroseconds = Math.max(world.now() * 1000, state.lastMicroseconds + 1);
  const ts = stamp(state.lastMicroseconds);
  const at = world.now();
  const message = { ts, channelId: channel.id, botId: bot.id, text: words, blocks, metadata, threadTs, at };
  state.messages.push(message);
  wrote(call, "message");
  return { channel: channel.id, ts, message: shown(asked, message, metadata !== null) };
}

/** `conversations.history`: newest first, page by page; metadata only where it is asked for. */
export function conversationsHistory(asked: SlackCall) {
  needScope(asked, "im:history");
  const { call, fields } = asked;
  const channel = ownChannel(asked, text(fields, "channel") ?? "");
  const limitTo = Math.min(Math.max(Number(text(fields, "limit") ?? 100) || 100, 1), 999);
  const withMetadata = ["true", "1"].includes(text(fields, "include_all_metadata") ?? "");
  const found = call.state.messages
    .filter((one) => one.channelId === channel.id && inRange(fields, one.ts))
    .toReversed();
  const from = startOf(text(fields, "cursor"));
  const page = found.slice(from, from + limitTo);
  const more = found.length > from + limitTo;
  return {
    messages: page.map((one) => shown(asked, one, withMetadata)),
    has_more: more,
    pin_count: 0,
    channel_actions_ts: null,
    channel_actions_count: 0,
    ...(more ? { response_metadata: { next_cursor: cursorAt(from + limitTo) } } : {}),
  };
}

function addressee(asked: SlackCall): DirectChannel {
  const name = text(asked.fields, "channel") ?? "";
  if (!/^[UW]/.test(name)) return ownChannel(asked, name);
  const user = asked.call.state.users.find((one) => one.id === name && one.deactivatedAt === null);
  if (!user) throw new SlackRefusal("channel_not_found");
  return open(asked, user).channel;
}

// The id of another bot's conversation means nothing to this one.
function ownChannel({ call, bot }: SlackCall, id: string): DirectChannel {
  const channel = call.state.channels.find((one) => one.id === id && one.botId === bot.id);
  if (!channel) throw new SlackRefusal("channel_not_found");
  return channel;
}

function open({ call, bot }: SlackCall, user: SlackUser) {
  const make = { id: slackIdOf("D", call.state.team.id, bot.id, user.id), now: call.world.now() };
  return directChannel(call.state, bot, user, make);
}

function personNamed({ call }: SlackCall, id: string): SlackUser {
  if (call.state.bots.some((one) => one.userId === id)) throw new SlackRefusal("cannot_dm_bot");
  const user = call.state.users.find((one) => one.id === id);
  if (!user) throw new SlackRefusal("user_not_found");
  if (user.deactivatedAt !== null) throw new SlackRefusal("user_disabled");
  return user;
}

function limit({ call }: SlackCall, channel: DirectChannel): void {
  const { postsPerMinute } = call.live.settings;
  if (postsPerMinute === null) return;
  const now = call.world.now();
  let rate = call.live.rate[channel.id];
  if (rate === undefined || rate.resetAt <= now) {
    rate = { count: 0, resetAt: now + 60_000 };
    call.live.rate[channel.id] = rate;
  }
  rate.count += 1;
  if (rate.count > postsPerMinute)
    throw new SlackRefusal("ratelimited", {}, Math.max(1, Math.ceil((rate.resetAt - now) / 1000)));
}

function blocksIn(fields: Record<string, unknown>): Record<string, unknown>[] {
  const blocks = structure(fields, "blocks", "invalid_blocks_format") ?? [];
  if (!Array.isArray(blocks)) throw new SlackRefusal("invalid_blocks_format");
  const fine = blocks.filter((one) => isObject(one) && typeof one["type"] === "string");
  if (fine.length < blocks.length || fine.length > MAX_BLOCKS) throw new SlackRefusal("invalid_blocks");
  return fine;
}

function metadataIn(fields: Record<string, unknown>): SlackMessage["metadata"] {
  const metadata = structure(fields, "metadata", "invalid_metadata_format");
  if (metadata === undefined || metadata === null) return null;
  if (!isObject(metadata)) throw new SlackRefusal("invalid_metadata_format");
  const { event_type, event_payload } = metadata;
  if (typeof event_type !== "string" || !isObject(event_payload))
    throw new SlackRefusal("invalid_metadata_schema");
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES)
    throw new SlackRefusal("metadata_too_large");
  return { event_type, event_payload };
}

function shown({ call }: SlackCall, message: SlackMessage, withMetadata: boolean) {
  const bot = call.state.bots.find((one) => one.id === message.botId);
  const metadata = withMetadata && message.metadata !== null ? { metadata: message.metadata } : {};
  return {
    type: "message",
    user: bot?.userId,
    bot_id: message.botId,
    app_id: bot?.appId,
    team: call.state.team.id,
    text: message.text,
    ts: message.ts,
    ...(message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(message.threadTs === null ? {} : { thread_ts: message.threadTs }),
    ...metadata,
  };
}

function inRange(fields: Record<string, unknown>, ts: string): boolean {
  const inclusive = text(fields, "inclusive") === "true";
  const time = Number(ts);
  const oldest = Number(text(fields, "oldest") ?? 0);
  const latest = Number(text(fields, "latest") ?? Number.POSITIVE_INFINITY);
  return (time > oldest && time < latest) || (inclusive && (time === oldest || time === latest));
}

function stamp(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1_000_000);
  return `${seconds}.${String(microseconds % 1_000_000).padStart(6, "0")}`;
}

function cursorAt(index: number): string {
  return Buffer.from(`next:${index}`).toString("base64");
}

function startOf(cursor: string | undefined): number {
  if (cursor === undefined || cursor === "") return 0;
  const found = /^next:(\d+)$/.exec(Buffer.from(cursor, "base64").toString());
  if (!found) throw new SlackRefusal("invalid_cursor");
  return Number(found[1]);
}
