import type { MailState } from "./state.ts";

/** What mail has been taken, oldest first. */
export function mailTruth(mail: MailState) {
  return {
    messages: mail.messages.map(({ id, at, user, envelope, from, to, subject, messageId, text, html }) => {
      return { id, at, user, envelope, from, to, subject, messageId, text, html };
    }),
  };
}
