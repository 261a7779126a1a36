import type { z } from "zod";
import type { ConnectionOptions } from "../../core/adapter.ts";
import type { Secret } from "../../core/secret-value.ts";
import { createHttp } from "../http.ts";
import type { Answer, Ask, Reply } from "../reply.ts";
import { shaped } from "../shaped.ts";
import { infisicalDialect } from "./dialect.ts";
import { createLogin, identityIn } from "./login.ts";

/** One call. */
export type Part = Omit<Ask, "effect" | "hidden"> & {
  /** The secret text that goes along, so that no message repeats it. */
  readonly value?: Secret;
};

/** The same call in the current and in the older dialect, the older one made only when it is needed. */
interface Dialects {
  readonly current: Part;
  readonly older: Part | (() => Promise<Answer<Part>>);
}

/** Routes that came together: a server has all of one family in the current dialect, or none. */
type Family = "secrets" | "folders" | "projects" | "members" | "roles" | "privileges";

/** Makes calls with a login, in the dialect that this server speaks. */
export interface Caller {
  either<T>(family: Family, parts: Dialects, schema: z.ZodType<T>): Promise<Answer<T>>;
  /** A call that has one form only. */
  only<T>(part: Part, schema: z.ZodType<T>): Promise<Answer<T>>;
  /** The id of the identity that is logged in; undefined where its token does not say. */
  identity(): Promise<Answer<string | undefined>>;
}

/** Calls by this connection. */
export function createCaller(options: ConnectionOptions): Caller {
  const http = createHttp(infisicalDialect, options);
  const login = createLogin(http, options);
  /** Families of routes that this server turned out to have only in the older dialect. */
  const older = new Set<Family>();

  async function send(part: Part, token: Secret): Promise<{ ask: Ask; answer: Answer<Reply> }> {
    const { value, ...rest } = part;
    const text = token.reveal();
    const headers = { "user-agent": "lockstep", authorization: `Bearer ${text}` };
    const hidden = value === undefined ? [text] : [text, value.reveal()];
    const ask: Ask = { ...rest, headers, effect: part.method === "GET" ? "read" : "write", hidden };
    return { ask, answer: await http(ask) };
  }

  // A refused token is replaced once. It was refused before anything was looked at, so a write may be sent again too.
  async function only<T>(part: Part, schema: z.ZodType<T>): Promise<Answer<T>> {
    const token = await login.token();
    if (token.is !== "done") return token;
    let sent = await send(part, token.value);
    if (sent.answer.is === "refused" && sent.answer.trouble.code === "VENDOR_REFUSED_CREDENTIAL") {
      const fresh = await login.token(token.value);
      if (fresh.is !== "done") return fresh;
      sent = await send(part, fresh.value);
    }
    return shaped(infisicalDialect, sent.ask, sent.answer, schema);
  }

  async function inOlder<T>(part: Dialects["older"], schema: z.ZodType<T>): Promise<Answer<T>> {
    if (typeof part !== "function") return only(part, schema);
    const made = await part();
    return made.is === "done" ? only(made.value, schema) : made;
  }

  return {
    only,
    async either(family, parts, schema) {
      if (older.has(family)) return inOlder(parts.older, schema);
      const answer = await only(parts.current, schema);
      if (!isRouteMissing(answer)) return answer;
      const second = await inOlder(parts.older, schema);
      // Remembered only once the older routes have answered: a proxy's odd minute must not fix the dialect.
      const answered = second.is === "done" || second.said !== undefined;
      if (answered && !isRouteMissing(second)) older.add(family);
      return second;
    },
    async identity() {
      const token = await login.token();
      return token.is === "done" ? { is: "done", value: identityIn(token.value) } : token;
    },
  };
}

function isRouteMissing(answer: Answer<unknown>): boolean {
  if (answer.is === "done" || answer.said?.status !== 404) return false;
  // The message goes on with the whole query, so that its end may have been cut off.
  return answer.said.id === "Not Found" && /^Route [A-Z]+:/.test(answer.said.text);
}

/** Whether Infisical itself refused for want of a right, or because only people may ask. */
export function isDenied(answer: Answer<unknown>): boolean {
  return (
    answer.is === "refused" && answer.said?.status === 403 && answer.trouble.code === "VENDOR_PERMISSION"
  );
}

/** Whether Infisical itself keeps this to itself: the right is missing, or the build does not have it. */
export function isWithheld(answer: Answer<unknown>): boolean {
  return isDenied(answer) || (answer.is === "refused" && answer.said?.status === 404);
}
