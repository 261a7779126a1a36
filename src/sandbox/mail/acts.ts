import { alphanumeric } from "../random.ts";
import type { World } from "../world.ts";
import type { MailState } from "./state.ts";

/** What the administrator of the mail server does. */
export type MailAct =
  /** A new password; the old one is refused at once. */
  | { act: "mail.reset-password"; user: string }
  /** The messages are thrown away. */
  | { act: "mail.clear" };

/** Whether an act happens at the mail server. */
export function isMailAct(act: { act: string }): act is MailAct {
  return act.act.startsWith("mail.");
}

/** Performs an act; throws where it names something that does not exist. */
export function performOnMail(state: MailState, act: MailAct, world: World): { id?: string } {
  if (act.act === "mail.clear") {
    state.messages = [];
    return {};
  }
  const account = state.accounts.find((one) => one.user === act.user);
  if (!account) throw new Error(`there is no ${act.user}`);
  account.password = alphanumeric(world.random, 24);
  return {};
}
