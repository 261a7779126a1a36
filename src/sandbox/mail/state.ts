/** The mail server as it truly is, passwords included. */
export interface MailState {
  accounts: { user: string; password: string }[];
  /** Oldest first; one that was sent twice is here twice. */
  messages: Mail[];
  settings: MailSettings;
}

/** Behaviour that differs by server. */
export interface MailSettings {
  /** Whether mail is refused from a client that did not sign in; a wrong password is refused in any case. */
  authRequired: boolean;
  /** Addresses that are refused with 550, as of somebody who has left. */
  unknownRecipients: string[];
}

/** A message that the server has taken. */
export interface Mail {
  id: string;
  /** Milliseconds since the epoch, when it was taken. */
  at: number;
  /** Who signed in; null for nobody. */
  user: string | null;
  envelope: { from: string; to: string[] };
  /** Headers as they are written, decoded. */
  from: string;
  to: string;
  subject: string;
  messageId: string | null;
  text: string;
  html: string | null;
  /** All headers by lower-case name. */
  headers: Record<string, string>;
}
