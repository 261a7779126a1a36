import type { AdapterDeps } from "../../core/adapter.ts";
import type { Credential } from "../../core/credential.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { NotDone, Proof } from "../../core/outcome.ts";
import type { Secret } from "../../core/secret-value.ts";
import { between } from "../../core/time.ts";
import type { HerokuClient } from "../../vendors/heroku/client.ts";
import { fitOf } from "../../vendors/heroku/redaction.ts";
import type { Answer } from "../../vendors/reply.ts";
import type { HerokuAuthorizationConfig } from "./config.ts";

/** How long a fresh token's refusal may be propagation; Heroku promises nothing. */
const PROPAGATION_MS = 60_000;

/**
 * Whether the new value is what was asked for (HK-06): it authenticates as the configured account, its authorization
 * has exactly the configured scope and the value's visible characters, and it reads every declared app by its UUID.
 */
export async function validated(
  config: HerokuAuthorizationConfig,
  { client, clock }: AdapterDeps<HerokuClient>,
  credential: Credential,
  token: Secret,
): Promise<Proof> {
  const fresh = between(credential.createdAt, clock.now()) < PROPAGATION_MS;
  const account = await client.account(token);
  if (account.is !== "done") return fresh ? open(account) : notShown(account);
  const { email, suspended } = account.value;
  if (email !== config.account)
    return wrong("ACCOUNT_DIFFERS", `The new value is ${email}'s, not ${config.account}'s`);
  if (suspended) return wrong("NEW_NOT_VALID", `The account ${email} is suspended`);
  let entry = await client.authorization(credential.id);
  // Where no living key was left, the new value is the only access to itself.
  if (isRefused(entry)) entry = await client.authorization(credential.id, token);
  // Reads may lag behind: an entry that was just created need not be shown yet.
  if (entry.is !== "done")
    return fresh && (entry.said?.status === 404 || isRefused(entry)) ? open(entry) : notShown(entry);
  const { id, scope, shown } = entry.value;
  if (id !== credential.id || shown === undefined || !fitOf(token, shown).fits)
    return wrong("NEW_NOT_VALID", `The new value is not that of authorization ${credential.id.slice(0, 8)}`);
  const [asked, given] = [config.scope, scope].map((list) => list.toSorted().join(" "));
  if (asked !== given) return wrong("SCOPE_DIFFERS", `The new value has scope ${given}, not ${asked}`);
  const unread = await firstUnread(config, client, token, fresh);
  if (unread !== undefined) return unread;
  const apps = config.apps.length === 0 ? "" : `, and reads ${config.apps.length} apps`;
  return { is: "proved", at: clock.now(), says: `The new value is ${email}'s, has scope ${given}${apps}` };
}

/** The first declared app that the value cannot read as what it is declared to be. */
async function firstUnread(
  config: HerokuAuthorizationConfig,
  client: HerokuClient,
  token: Secret,
  fresh: boolean,
): Promise<Proof | undefined> {
  const answers = await Promise.all(config.apps.map((app) => client.app(app.id, token)));
  const proofs = answers.map((answer, index): Proof | undefined => {
    const declared = config.apps[index];
    if (declared === undefined) return undefined;
    if (answer.is !== "done") {
      // One of Heroku's machines may accept a fresh token before another does.
      const early = fresh && isRefused(answer);
      return early ? open(answer) : notShown(answer, `The new value cannot read ${declared.name}`);
    }
    const { id, name } = answer.value;
    if (id === declared.id && name === declared.name) return undefined;
    return wrong("NEW_NOT_VALID", `App ${declared.id} is called ${name}, not ${declared.name} as declared`);
  });
  // A refutation is the answer even where another app's reply is still open.
  return proofs.find((one) => one?.is === "refuted") ?? proofs.find((one) => one !== undefined);
}

/** Heroku's own refusal of the value that the call was made with. */
export function isRefused(answer: Answer<unknown>): boolean {
  return answer.is === "refused" && answer.trouble.code === "VENDOR_REFUSED_CREDENTIAL";
}

function notShown(answer: NotDone, found?: string): Proof {
  if (answer.is !== "refused") return open(answer);
  const { message } = answer.trouble;
  return wrong("NEW_NOT_VALID", found === undefined ? message : `${found}: ${message}`);
}

function open(answer: NotDone): Proof {
  return { is: "unknown", trouble: answer.trouble };
}

function wrong(code: ErrorCode, message: string): Proof {
  return {
    is: "refuted",
    trouble: {
      code,
      message,
      because: "a key that is not what was asked for must not reach any store",
      next: "lockstep rotate <secret>    after you have corrected the configuration or the account; the new authorization is ended",
    },
  };
}
