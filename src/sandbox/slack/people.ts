import { needScope, type SlackCall, SlackRefusal, text } from "./access.ts";
import type { SlackUser } from "./state.ts";

/** `users.info`: a person by id; the address only with the scope for it. */
export function usersInfo(asked: SlackCall) {
  needScope(asked, "users:read");
  const { state } = asked.call;
  const id = text(asked.fields, "user");
  const bot = state.bots.find((one) => one.userId === id);
  if (bot) return { user: { ...profileOf(asked, botUser(bot)), is_bot: true } };
  const user = state.users.find((one) => one.id === id);
  if (!user) throw new SlackRefusal("user_not_found");
  return { user: profileOf(asked, user) };
}

/** `users.lookupByEmail`: a person by address. */
export function usersLookupByEmail(asked: SlackCall) {
  needScope(asked, "users:read.email");
  const email = text(asked.fields, "email")?.toLowerCase();
  const user = asked.call.state.users.find((one) => one.email.toLowerCase() === email);
  if (!user || user.deactivatedAt !== null) throw new SlackRefusal("users_not_found");
  return { user: profileOf(asked, user) };
}

function botUser(bot: { userId: string; name: string }): SlackUser {
  return { id: bot.userId, name: bot.name, realName: bot.name, email: "", deactivatedAt: null };
}

function profileOf({ call, bot }: SlackCall, user: SlackUser) {
  const { team } = call.state;
  const shown = bot.scopes.includes("users:read.email") && user.email !== "" ? { email: user.email } : {};
  return {
    id: user.id,
    team_id: team.id,
    name: user.name,
    deleted: user.deactivatedAt !== null,
    color: "9f69e7",
    real_name: user.realName,
    tz: "Europe/London",
    tz_label: "British Summer Time",
    tz_offset: 3600,
    profile: {
      avatar_hash: "0".repeat(12),
      real_name: user.realName,
      real_name_normalized: user.realName,
      display_name: user.name,
      display_name_normalized: user.name,
      status_text: "",
      status_emoji: "",
      team: team.id,
      ...shown,
    },
    is_admin: false,
    is_owner: false,
    is_primary_owner: false,
    is_restricted: false,
    is_ultra_restricted: false,
    is_bot: false,
    is_app_user: false,
    updated: 1_780_000_000,
  };
}
