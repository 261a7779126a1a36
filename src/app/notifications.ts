import { isOutage, LockstepError, troubleOf } from "../core/errors.ts";
import type { ChannelName, NoticeBody, Recipient } from "../core/notice.ts";
import { type Escalation, ROLES } from "../core/record.ts";
import { Secret } from "../core/secret-value.ts";
import type { Milliseconds } from "../core/time.ts";
import type { Queries } from "../db/database.ts";
import { addNotices, type LostNotice, outboxIn, outboxState } from "../db/notices.ts";
import { getRun, getSteps } from "../db/runs.ts";
import { type Channels, startDelivery } from "../notify/deliver.ts";
import { emailChannel } from "../notify/email/channel.ts";
import { slackChannel } from "../notify/slack/channel.ts";
import type { SlackClient } from "../vendors/slack/client.ts";
import { smtpClient } from "../vendors/smtp/client.ts";
import { vendorBudget } from "./budget.ts";
import type { Config } from "./config.ts";
import { connectionsOf } from "./connections.ts";
import type { Home } from "./home.ts";
import { nextCommand, safeState } from "./run-words.ts";

/** How long a message waits for its turn at Slack; then it is due again. */
const PATIENCE_MS = 2_000;

type Log = (line: { readonly level: "info" | "warn" | "error"; readonly msg: string }) => void;

/** How one process tells people. */
export interface Notifications {
  /** Writes the messages down, one for each person and channel, once an event; delivered beside the run. */
  escalate(event: Escalation): Promise<void>;
  /** Begins to deliver, also what other processes left. */
  start(): void;
  /** Delivers what is due, for `graceMs` (default a few seconds); the rest is left to the next process. */
  close(graceMs?: Milliseconds): Promise<void>;
}

/** The notifications of this process over an opened home. */
export function notificationsOf(
  home: Pick<Home, "config" | "database" | "env" | "sandbox">,
  log: Log,
): Notifications {
  const { config, database } = home;
  const leave = new AbortController();
  let delivery: ReturnType<typeof startDelivery> | undefined;
  return {
    escalate: async (event) => {
      try {
        const recipients = recipientsOf(config, event.secret);
        if (recipients.length === 0) return;
        await addNotices(database, event.event, await bodyOf(config, database, event), recipients);
      } catch (thrown) {
        // The journal entry is repeated then; of anything else a run must not fail.
        if (isOutage(thrown)) throw thrown;
        log({ level: "error", msg: `Nobody is told of ${event.event}: ${troubleOf(thrown).message}` });
      }
      delivery?.wake();
    },
    start: () => {
      delivery ??= startDelivery(outboxIn(database), channelsOf(home, leave.signal), { log });
    },
    close: async (graceMs) => {
      await delivery?.close(graceMs);
      leave.abort();
    },
  };
}

/** Whom this secret's events reach: operators with at least its role, and who is told of everything. */
export function recipientsOf(
  { notify, operators, secrets }: Pick<Config, "notify" | "operators" | "secrets">,
  secret?: string,
): readonly Recipient[] {
  const role = secret === undefined ? undefined : secrets[secret]?.role;
  const least = role === undefined ? 0 : ROLES.indexOf(role);
  const people = Object.values(operators ?? {}).filter((one) => ROLES.indexOf(one.role) >= least);
  const all = (channel: ChannelName): readonly string[] => {
    const way = notify?.[channel];
    return way ? [...people.map((one) => one[channel] ?? ""), ...way.also].filter((one) => one !== "") : [];
  };
  // Upper and lower case of one mail address reach one mailbox.
  const emails = new Map(all("email").map((address) => [address.toLowerCase(), address]));
  return [
    ...[...new Set(all("slack"))].map((address) => ({ channel: "slack", address }) as const),
    ...[...emails.values()].map((address) => ({ channel: "email", address }) as const),
  ];
}

async function bodyOf(config: Config, queries: Queries, escalation: Escalation): Promise<NoticeBody> {
  const { kind, secret, run, says } = escalation;
  const environment = config.secrets[secret]?.environment;
  return {
    kind,
    secret,
    ...(environment !== undefined && { environment }),
    ...(run !== undefined && { run }),
    says,
    ...(await wordsFor(queries, escalation)),
  };
}

/** What is safe, and the next command, as `lockstep show` says them now. An alarm knows better than the run what it is about. */
async function wordsFor(
  queries: Queries,
  { kind, run: id, state, next }: Escalation,
): Promise<{ state: string; next: string }> {
  if (id === undefined || kind === "sev-1") return { state, next };
  try {
    const [run, steps] = await Promise.all([getRun(queries, id), getSteps(queries, id)]);
    return { state: safeState(run, steps), next: nextCommand(run) };
  } catch (thrown) {
    if (isOutage(thrown)) throw thrown;
    // A message with fewer words is better than none.
    return { state, next };
  }
}

/** The ways to people that are configured; in the sandbox those of the sandbox, and none where it has none. */
function channelsOf(
  { config, database, env, sandbox }: Pick<Home, "config" | "database" | "env" | "sandbox">,
  signal: AbortSignal,
): Channels {
  const { slack, email } = config.notify ?? {};
  const redirection = sandbox?.redirection;
  const { installation } = database;
  const connections = connectionsOf(config, {
    env,
    budget: vendorBudget(database),
    patienceMs: PATIENCE_MS,
    ...(redirection && { redirection }),
    fetch: (input, init) =>
      fetch(input, { ...init, signal: AbortSignal.any([signal, ...(init?.signal ? [init.signal] : [])]) }),
  });
  const managed = () => Promise.reject(new Error("the token of the messages is no managed secret"));
  const url = redirection ? redirection.urls["mail"] : email?.url;
  return {
    ...(slack &&
      (!redirection || redirection.urls["slack"] !== undefined) && {
        slack: slackChannel(connections.client(slack.connection, managed) as SlackClient, installation),
      }),
    ...(email &&
      url !== undefined && {
        email: emailChannel(
          smtpClient({ url, credential: async () => mailCredential(email, env, redirection), signal }),
          email.from,
          installation,
        ),
      }),
  };
}

function mailCredential(
  { credential }: NonNullable<NonNullable<Config["notify"]>["email"]>,
  env: NodeJS.ProcessEnv,
  redirection: NonNullable<Home["sandbox"]>["redirection"] | undefined,
) {
  const given = redirection?.credentials["mail"];
  const fields =
    given ?? (credential && { user: env[credential.user.env], password: env[credential.password.env] });
  if (!fields) return undefined;
  const [user, password] = [fields["user"], fields["password"]];
  if (user && password) return { user: Secret.of(user), password: Secret.of(password) };
  const name = user ? credential?.password.env : credential?.user.env;
  throw new LockstepError({
    code: "CREDENTIAL_MISSING",
    message: `The environment variable ${name} is not set`,
    because: "notify.email takes its credential from it",
    next: `lockstep doctor    after you have set ${name}`,
  });
}

/** What `lockstep doctor` looks at: each way to people, without sending anything, and the messages that were lost. */
export function notificationChecks(
  home: Pick<Home, "config" | "database" | "env" | "sandbox">,
): readonly { readonly what: string; look(): Promise<{ says: string; value: undefined }> }[] {
  if (!home.config.notify) return [];
  const recipients = recipientsOf(home.config);
  const channels = Object.entries(channelsOf(home, new AbortController().signal));
  return [
    ...channels.map(([what, channel]) => ({
      what,
      look: async () => {
        const addresses = recipients.filter((one) => one.channel === what).map((one) => one.address);
        const seen = await channel.check(addresses);
        if (seen.is !== "done") throw new LockstepError(seen.trouble);
        return {
          says: `reaches ${addresses.length} ${addresses.length === 1 ? "person" : "people"}`,
          value: undefined,
        };
      },
    })),
    {
      what: "messages",
      look: async () => {
        const { waiting, lost } = await outboxState(home.database);
        const [first, ...others] = lost;
        if (first) throw undelivered(first, others.length);
        return { says: `${waiting} wait${waiting === 1 ? "s" : ""}, none was given up`, value: undefined };
      },
    },
  ];
}

function undelivered(
  { event, channel, address, ending, at, trouble }: LostNotice,
  others: number,
): LockstepError {
  const more = others > 0 ? ` and ${others} more` : "";
  const how =
    ending === "unsure" ? "was sent without an answer, and left at that" : "was given up after 7 days";
  return new LockstepError({
    code: "NOTICE_UNDELIVERED",
    message: `The ${channel} message ${event} to ${address}${more} ${how}, at ${at}${trouble ? `: ${trouble.message}` : ""}`,
    because: "somebody may not know what was asked of them; this is shown for 30 days",
    next: "lockstep runs    says what is open; then correct notify in the configuration",
  });
}
