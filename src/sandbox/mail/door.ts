import type { Fault, Faults } from "../faults.ts";
import type { RequestJournal } from "../journal.ts";
import { hex } from "../random.ts";
import type { World } from "../world.ts";
import { parseMail } from "./mime.ts";
import type { Mail, MailState } from "./state.ts";

/** What the server answers a command; a broken connection has no answer. */
export type MailVerdict =
  | { is: "accepted"; text: string }
  | { is: "refused"; code: number; text: string }
  | { is: "broken" };

/** Where the commands of an SMTP session are decided; a socket, or a test in process, carries the answers. */
export interface MailDoor {
  connect(): Promise<MailVerdict>;
  authenticate(user: string, password: string): Promise<MailVerdict>;
  /** A recipient, of a client that signed in as `user` or not at all. */
  recipient(address: string, user: string | null): Promise<MailVerdict>;
  /** A whole message. */
  deliver(envelope: Mail["envelope"], raw: Buffer, user: string | null): Promise<MailVerdict>;
}

/** What stands between the network and the server. */
interface Surroundings {
  world: World;
  faults: Faults;
  journal: RequestJournal;
  latencyMs(vendor: "mail"): number;
  changed(): void;
  background(work: Promise<unknown>): void;
}

type Stage = "CONNECT" | "AUTH" | "RCPT" | "DATA";

const WORDS: Readonly<Record<number, string>> = {
  250: "OK",
  421: "Service not available, closing transmission channel",
  450: "Requested mail action not taken: mailbox unavailable",
  451: "Requested action aborted: local error in processing",
  452: "Insufficient system storage",
  454: "Temporary authentication failure",
  530: "Authentication required",
  535: "Authentication credentials invalid",
  550: "Requested action not taken: mailbox unavailable",
  552: "Message size exceeds fixed maximum message size",
  554: "Transaction failed",
};

/**
 * The mail server over this state. A fault without a method meets the message itself (DATA); CONNECT, AUTH and RCPT are
 * met by faults that name them. A fault's route is the path of the recipient, such as `/ops@example.com`.
 */
export function mailDoor(state: MailState, around: Surroundings): MailDoor {
  const { world } = around;
  const enter = (stage: Stage, who: { path: string; user: string | null }) => {
    const request = { vendor: "mail", method: stage, path: who.path, named: stage !== "DATA" } as const;
    return { fault: around.faults.take(request, world.now()), note: noter(around, stage, who) };
  };
  return {
    async connect() {
      const latency = around.latencyMs("mail");
      if (latency > 0) await world.sleep(latency);
      const { fault, note } = enter("CONNECT", { path: "/", user: null });
      return fault ? note(await failed(fault, world), fault) : accepted("ESMTP sandbox");
    },
    async authenticate(user, password) {
      const { fault, note } = enter("AUTH", { path: "/", user });
      if (fault) return note(await failed(fault, world), fault);
      const known = state.accounts.some((one) => one.user === user && one.password === password);
      return known ? accepted("Authentication successful") : note(refused(535), null);
    },
    async recipient(address, user) {
      const { fault, note } = enter("RCPT", { path: `/${address}`, user });
      if (fault) return note(await failed(fault, world), fault);
      if (state.settings.authRequired && user === null) return note(refused(530), null);
      const unknown = state.settings.unknownRecipients.some((one) => same(one, address));
      return unknown ? note(refused(550), null) : accepted("Accepted");
    },
    async deliver(envelope, raw, user) {
      const latency = around.latencyMs("mail");
      if (latency > 0) await world.sleep(latency);
      const { fault, note } = enter("DATA", { path: `/${envelope.to.join(",")}`, user });
      const store = () => {
        const id = hex(world.random, 8);
        state.messages.push(mailOf(id, envelope, raw, user, world.now()));
        around.changed();
        return id;
      };
      return note(await delivered(fault, store, around), fault);
    },
  };
}

async function delivered(
  fault: Fault | null,
  store: () => string,
  around: Surroundings,
): Promise<MailVerdict> {
  const { world } = around;
  if (fault === null) return queued(store());
  switch (fault.kind) {
    case "stale":
      return queued(store());
    // The client is told that it was taken, and nobody will ever read it.
    case "no-effect":
      return queued(hex(world.random, 8));
    case "error-after":
      store();
      return refused(smtpStatus(fault.status ?? 451));
    case "lost-reply":
    case "truncated":
      store();
      return { is: "broken" };
    case "late":
      around.background(world.sleep(fault.ms).then(store));
      return { is: "broken" };
    default:
      return failed(fault, world);
  }
}

// What goes wrong before anything is done.
async function failed(fault: Fault, world: World): Promise<MailVerdict> {
  if (fault.kind === "status") return refused(smtpStatus(fault.status), fault.message);
  if (fault.kind === "html") return refused(554);
  if (fault.kind === "timeout") await world.sleep(fault.ms);
  return { is: "broken" };
}

// A fault that is set for all vendors may carry an HTTP status: 429 and 5xx of HTTP are temporary here.
function smtpStatus(status: number): number {
  if (status === 429 || (status >= 500 && status < 530)) return 451;
  return status >= 400 && status < 600 ? status : 554;
}

function noter(around: Surroundings, stage: Stage, who: { path: string; user: string | null }) {
  return (verdict: MailVerdict, fault: Fault | null): MailVerdict => {
    const took = verdict.is === "accepted" && fault?.kind !== "no-effect";
    const kept = fault !== null && ["error-after", "lost-reply", "truncated"].includes(fault.kind);
    const wrote = stage === "DATA" && (took || kept);
    around.journal.add({
      at: around.world.now(),
      vendor: "mail",
      method: stage,
      path: who.path,
      query: "",
      status: verdict.is === "broken" ? null : verdict.is === "accepted" ? 250 : verdict.code,
      requestId: null,
      credential: who.user,
      fields: wrote ? ["message"] : [],
      effect: wrote ? "write" : "none",
      fault: fault?.kind ?? null,
      userAgent: null,
    });
    return verdict;
  };
}

function mailOf(id: string, envelope: Mail["envelope"], raw: Buffer, user: string | null, at: number): Mail {
  const { headers, text, html } = parseMail(raw);
  const { from = "", to = "", subject = "", "message-id": messageId = null } = headers;
  return { id, at, user, envelope, from, to, subject, messageId, text, html, headers };
}

function accepted(text: string): MailVerdict {
  return { is: "accepted", text };
}

function queued(id: string): MailVerdict {
  return accepted(`OK: message queued as ${id}`);
}

function refused(code: number, text = WORDS[code] ?? "Refused"): MailVerdict {
  return { is: "refused", code, text };
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
