import { Readable } from "node:stream";
import { LockstepError, troubleOf } from "../../core/errors.ts";
import type { NotDone, Outcome } from "../../core/outcome.ts";
import { done } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Milliseconds } from "../../core/time.ts";
import { cleaned } from "../clean.ts";
import { trouble } from "../reply.ts";

/** How a mail server is reached. */
export interface SmtpOptions {
  /** `smtp://host:port`, upgraded to TLS where the server offers it; `smtps://host:port`, TLS from the first byte. */
  readonly url: string;
  /** The fields `user` and `password`; undefined for a server that asks for none. */
  credential(): Promise<Values | undefined>;
  /** Longest wait for the connection, for the greeting, and for any answer; 20 s where absent. */
  readonly deadlineMs?: Milliseconds;
  /** Breaks off what is under way. */
  readonly signal?: AbortSignal;
}

/** A message in plain text. */
interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Without the angle brackets. */
  readonly messageId: string;
}

/** A mail server, one method a session (RFC 5321). */
export interface SmtpClient {
  /** `unknown` where the connection broke after the message had begun to leave. */
  send(mail: Mail): Promise<Outcome<void>>;
  /** Whether it greets, and takes the credential. */
  greet(): Promise<Outcome<void>>;
}

const DEADLINE_MS = 20_000;

/** A client of the mail server at this URL. It speaks TLS to every server but one on this machine, if a password is sent. */
export function smtpClient(options: SmtpOptions): SmtpClient {
  const within = async (
    talk: (session: Session) => Promise<void>,
    sending: Sending,
  ): Promise<Outcome<void>> => {
    let values: Values | undefined;
    try {
      values = await options.credential();
    } catch (thrown) {
      return { is: "refused", trouble: troubleOf(thrown) };
    }
    const auth = values && { user: values["user"]?.reveal() ?? "", pass: values["password"]?.reveal() ?? "" };
    const hidden = auth ? [auth.pass] : [];
    try {
      const session = await connect(options, auth);
      try {
        await Promise.race([talk(session), session.broken]);
      } finally {
        session.close();
      }
      return done(undefined);
    } catch (thrown) {
      return failureOf(thrown, sending, new URL(options.url).host, hidden);
    }
  };
  return {
    greet: () => within(async () => {}, { begun: false }),
    send: async (mail) => {
      const sending: Sending = { begun: false };
      const raw = await composed(mail);
      return within((session) => session.send(mail, streamed(raw, sending)), sending);
    },
  };
}

/** Whether any of the message may have left. */
interface Sending {
  begun: boolean;
}

/** The message is only read once the server has asked for it. */
function streamed(raw: Buffer, sending: Sending): Readable {
  return Readable.from(
    (function* () {
      sending.begun = true;
      yield raw;
    })(),
  );
}

async function composed({ from, to, subject, text, messageId }: Mail): Promise<Buffer> {
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const mail = {
    from,
    to,
    subject,
    text,
    messageId: `<${messageId}>`,
    // Nobody's vacation notice should come back (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return new MailComposer(mail).compile().build();
}

interface Session {
  send(mail: Mail, message: Readable): Promise<void>;
  /** Rejects when the connection breaks. */
  readonly broken: Promise<never>;
  close(): void;
}

interface Auth {
  readonly user: string;
  readonly pass: string;
}

// Not the transport of the same package: it does not tell whether the message had begun to leave.
async function connect(options: SmtpOptions, auth: Auth | undefined): Promise<Session> {
  const { default: Connection } = await import("nodemailer/lib/smtp-connection");
  const url = new URL(options.url);
  const secure = url.protocol === "smtps:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const deadline = options.deadlineMs ?? DEADLINE_MS;
  const connection = new Connection({
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && auth !== undefined && !isHere(host),
    connectionTimeout: deadline,
    dnsTimeout: deadline,
    greetingTimeout: deadline,
    socketTimeout: deadline,
    logger: false,
  });
  const broken = Promise.withResolvers<never>();
  // Also when nobody waits for it any more.
  broken.promise.catch(() => {});
  connection.on("error", (error: Error) => broken.reject(error));
  connection.on("end", () => broken.reject(new Error("the connection was closed")));
  const leave = () => {
    broken.reject(new Error("nobody waits any more"));
    connection.close();
  };
  options.signal?.addEventListener("abort", leave, { once: true });
  if (options.signal?.aborted === true) leave();
  const step = (begin: (ended: (error?: Error | null) => void) => void): Promise<void> =>
    Promise.race([
      new Promise<void>((resolve, reject) => begin((error) => (error ? reject(error) : resolve()))),
      broken.promise,
    ]);
  try {
    await step((ended) => connection.connect(ended));
    if (auth) await step((ended) => connection.login(auth, ended));
  } catch (thrown) {
    connection.close();
    throw thrown;
  }
  return {
    broken: broken.promise,
    send: ({ from, to }, message) => step((ended) => connection.send({ from, to }, message, ended)),
    close: () => {
      options.signal?.removeEventListener("abort", leave);
      connection.close();
    },
  };
}

function isHere(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1)$/.test(host);
}

/** What a session that ended early comes to. 4xx: later perhaps, 5xx: no (RFC 5321, 4.2.1); either way nothing was taken. */
function failureOf(thrown: unknown, { begun }: Sending, host: string, hidden: readonly string[]): NotDone {
  if (thrown instanceof LockstepError) return { is: "refused", trouble: thrown.toTrouble() };
  const { code, responseCode, command, response } = partsOf(thrown);
  if (code === "ETLS") {
    const because = "a password is sent to another machine only inside TLS";
    const next =
      "lockstep doctor    after you have named smtps://, or a server that offers STARTTLS under a valid certificate";
    return {
      is: "refused",
      trouble: trouble("VENDOR_REFUSED", `${host} does not come to speak TLS`, because, next),
    };
  }
  if (responseCode !== undefined) {
    const words = cleaned((response ?? "").replace(/^\d{3}[ -]/, ""), hidden);
    const found = `${host} answered ${command ?? "us"} with ${responseCode}${words && ` "${words}"`}`;
    return refusalOf(responseCode, code, found);
  }
  const how = code === undefined ? "" : ` (${code})`;
  const next = "lockstep doctor    after you have checked the mail server's address and the network";
  if (!begun) {
    const because = "the message was not handed over";
    return {
      is: "retryable",
      trouble: trouble(
        "VENDOR_UNREACHABLE",
        `The mail server ${host} cannot be worked with${how}`,
        because,
        next,
      ),
    };
  }
  const because = "whether it took the message is not known";
  return {
    is: "unknown",
    trouble: trouble(
      "VENDOR_UNREACHABLE",
      `The mail server ${host} broke the connection${how}`,
      because,
      next,
    ),
  };
}

function refusalOf(status: number, code: string | undefined, found: string): NotDone {
  // A 454 says that it cannot tell now (RFC 4954, 6).
  if (code === "EAUTH" && status >= 500) {
    const because = "it does not accept the user and password that it was given";
    const next = "lockstep doctor    after you have given notify.email a credential that works";
    return { is: "refused", trouble: trouble("VENDOR_REFUSED_CREDENTIAL", found, because, next) };
  }
  if (status < 500) {
    const because = "the mail server does not take the message for now";
    const next = "lockstep doctor    looks at it without sending; messages are tried again by themselves";
    return { is: "retryable", trouble: trouble("VENDOR_ERROR", found, because, next) };
  }
  const because = "the mail server will not take the message";
  const next = "lockstep doctor    after you have settled at the mail server what its answer names";
  return { is: "refused", trouble: trouble("VENDOR_REFUSED", found, because, next) };
}

function partsOf(thrown: unknown) {
  const field = (name: string): unknown =>
    typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, name) : undefined;
  const [code, status, command, response] = ["code", "responseCode", "command", "response"].map(field);
  return {
    code: typeof code === "string" && /^[A-Z0-9_]{2,60}$/.test(code) ? code : undefined,
    responseCode: typeof status === "number" && status >= 400 ? status : undefined,
    command: typeof command === "string" && /^[A-Z0-9 ]{2,20}$/.test(command) ? command : undefined,
    response: typeof response === "string" ? response : undefined,
  };
}
