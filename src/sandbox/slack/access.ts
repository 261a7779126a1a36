import { createHash } from "node:crypto";
import { type Call, isObject, type World } from "../world.ts";
import type { SlackBot, SlackState } from "./state.ts";

/** One call of a method, as its handler sees it. */
export interface SlackCall {
  call: Call<SlackState>;
  bot: SlackBot;
  /** Of the query, a form or a JSON body. */
  fields: Record<string, unknown>;
}

/** A refusal in Slack's way: status 200 and `ok: false`, but for the limiter's. */
export class SlackRefusal extends Error {
  readonly code: string;
  readonly more: Record<string, unknown>;
  /** Seconds after which to come again; only the limiter's refusal has them, and status 429. */
  readonly retryAfter: number | null;
  constructor(code: string, more: Record<string, unknown> = {}, retryAfter: number | null = null) {
    super(code);
    this.code = code;
    this.more = more;
    this.retryAfter = retryAfter;
  }
}

/** The fields of a call: a JSON body, a form, or the query; `token` may be among them. */
export function fieldsOf(request: Request, body: string): Record<string, unknown> {
  const type = request.headers.get("content-type") ?? "";
  const query = Object.fromEntries(new URL(request.url).searchParams);
  if (body === "") return query;
  if (type.startsWith("application/json")) {
    const json = parsed(body, "invalid_json");
    if (!isObject(json)) throw new SlackRefusal("json_not_object");
    return json;
  }
  if (type.startsWith("application/x-www-form-urlencoded"))
    return { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
  throw new SlackRefusal(type === "" ? "missing_post_type" : "invalid_post_type");
}

/** The bot that calls, from its token. */
export function callerOf(request: Request, fields: Record<string, unknown>, state: SlackState): SlackBot {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const token = bearer ?? fields["token"];
  if (typeof token !== "string" || token === "") throw new SlackRefusal("not_authed");
  const bot = state.bots.find((one) => one.token === token);
  if (!bot) throw new SlackRefusal("invalid_auth");
  if (bot.revokedAt !== null) throw new SlackRefusal("token_revoked");
  return bot;
}

/** Refuses a bot without this scope. */
export function needScope({ bot }: SlackCall, scope: string): void {
  if (bot.scopes.includes(scope)) return;
  throw new SlackRefusal("missing_scope", { needed: scope, provided: bot.scopes.join(",") });
}

/** The text in a field; a number or boolean of a JSON body becomes text. */
export function text(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** What a field holds as JSON: itself in a JSON body, JSON text in a form. */
export function structure(fields: Record<string, unknown>, name: string, refusal: string): unknown {
  const value = fields[name];
  return typeof value === "string" ? parsed(value, refusal) : value;
}

/** An id with Slack's letter before it, e.g. `D04K7Q1ZP9X`. */
export function slackId(letter: string, random: World["random"]): string {
  return letter + letters(random(10));
}

/** An id that these words always give, so that a conversation needs no chance. */
export function slackIdOf(letter: string, ...words: string[]): string {
  return letter + letters(createHash("sha256").update(words.join(" ")).digest().subarray(0, 10));
}

function letters(bytes: Uint8Array): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}

function parsed(text: string, refusal: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SlackRefusal(refusal);
  }
}
