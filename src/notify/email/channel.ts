import type { Channel } from "../../core/notice.ts";
import type { SmtpClient } from "../../vendors/smtp/client.ts";
import { idOf, messageOf } from "../message.ts";

/**
 * Messages by mail, one to each address. A mailbox cannot be looked at, so a lost reply means that the message is sent again,
 * with the same Message-ID: rather twice than not at all, and mail programs fold the two.
 */
export function emailChannel(client: SmtpClient, from: string, installation: string): Channel {
  const domain = from.slice(from.lastIndexOf("@") + 1);
  return {
    send: (notice) => {
      const { subject, text } = messageOf(notice);
      const messageId = `${idOf(notice, installation)}.lockstep@${domain}`;
      return client.send({ from, to: notice.address, subject, text: `${text}\n`, messageId });
    },
    // Servers tell little of addresses before a message, so only the server itself is looked at.
    check: () => client.greet(),
  };
}
