import { createHash } from "node:crypto";
import type { Notice } from "../core/notice.ts";
import { withoutValues } from "../core/secret-value.ts";

/** A message as people read it. */
export interface Message {
  /** Names environment and secret, and what it is about. */
  readonly subject: string;
  /** What happened, what is safe, the next command, the run; in this order, without mark-up. */
  readonly text: string;
}

/** The words of a message. Values that are in this process's memory are taken out here, whoever brought them in (P7). */
export function messageOf({ body }: Pick<Notice, "body">): Message {
  const { environment, secret, says, state, next, run } = body;
  // Our own words stay as they are: a vendor's variable may hold a word like PRODUCTION, which would be taken out here.
  const where = environment === "production" ? "PRODUCTION " : environment ? `${environment} ` : "";
  const subject = `[Lockstep] ${where}${told(secret)}: ${ABOUT[body.kind]}`;
  const lines = [
    [ALARM[body.kind], says].filter(Boolean).join(" "),
    "",
    `safe  ${state}`,
    `next  ${next}`,
    ...(run === undefined ? [] : [`run   ${run}`]),
  ];
  return { subject, text: lines.map(told).join("\n") };
}

const ABOUT: Readonly<Record<Notice["body"]["kind"], string>> = {
  task: "a task waits for you",
  held: "held, a decision is needed",
  reminder: "still waits",
  failed: "a run failed",
  "sev-1": "SEV-1",
};

const ALARM: Readonly<Partial<Record<Notice["body"]["kind"], string>>> = { "sev-1": "SEV-1" };

// Vendors' words come along, so nothing but text gets through.
function told(line: string): string {
  return withoutValues(line)
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ")
    .toWellFormed();
}

/** A name for this message that is the same in every attempt of every process, and another in every installation. */
export function idOf({ event, channel, address }: Notice, installation: string): string {
  const parts = JSON.stringify([installation, event, channel, address]);
  return createHash("sha256").update(parts).digest("hex").slice(0, 40);
}
