import type { Estate } from "../estate.ts";
import { alphanumeric } from "../random.ts";
import type { World } from "../world.ts";
import type { MailState } from "./state.ts";

/** Builds the mail server's state from an estate, generating the passwords. */
export function foundMail({ accounts, authRequired }: Estate["mail"], world: World): MailState {
  return {
    accounts: accounts.map((user) => ({ user, password: alphanumeric(world.random, 24) })),
    messages: [],
    settings: { authRequired, unknownRecipients: [] },
  };
}
