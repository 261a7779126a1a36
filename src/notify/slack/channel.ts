import type { Channel, DueNotice } from "../../core/notice.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import { after } from "../../core/time.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { SlackClient } from "../../vendors/slack/client.ts";
import { idOf, messageOf } from "../message.ts";

/** The longest text of a section block. */
const LONGEST = 3_000;
/** Slack's clock and ours may differ. */
const BEFORE_MS = 3_600_000;

/**
 * Messages to people, each in the bot's own conversation with them: a conversation's id belongs to one bot, so the person is
 * configured and the conversation opened. An attempt that may have arrived is looked for by the event in its metadata.
 */
export function slackChannel(client: SlackClient, installation: string): Channel {
  return {
    send: async (notice) => {
      const opened = await client.open(notice.address);
      if (opened.is !== "done") return outcomeOf(opened);
      const channel = opened.value;
      const event = idOf(notice, installation);
      if (notice.attempt > 1) {
        const found = await arrived(client, channel, notice, event);
        if (found.is !== "done") return found;
        if (found.value) return done(undefined);
      }
      const { text } = messageOf(notice);
      const sent = await client.post(channel, { text, block: text.slice(0, LONGEST).toWellFormed(), event });
      return sent.is === "done" ? sent : outcomeOf(sent);
    },
    check: async (addresses) => {
      const own = await client.whoAmI();
      if (own.is !== "done") return outcomeOf(own);
      for (const address of addresses) {
        const opened = await client.open(address);
        if (opened.is !== "done") return outcomeOf(opened);
      }
      return done(undefined);
    },
  };
}

/** Whether an earlier attempt has arrived. Where the bot may not look it counts as not: better twice than not at all. */
async function arrived(
  client: SlackClient,
  channel: string,
  { at }: DueNotice,
  event: string,
): Promise<Outcome<boolean>> {
  const events = await client.events(channel, after(at, -BEFORE_MS));
  if (events.is === "done") return done(events.value.includes(event));
  if (events.is === "refused" && events.trouble.code === "VENDOR_PERMISSION") return done(false);
  // Nothing is sent before it was looked; whether the earlier attempt arrived is as open as before.
  const { trouble } = events;
  return { is: "retryable", trouble, ...(events.is === "retryable" && waitOf(events)) };
}

function waitOf({ afterMs }: { readonly afterMs?: number }): { afterMs?: number } {
  return afterMs === undefined ? {} : { afterMs };
}
