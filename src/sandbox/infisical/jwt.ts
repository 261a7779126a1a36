import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { isObject } from "../world.ts";

/** What an access token says; times are seconds since the epoch. */
export interface Claims {
  identityAccessTokenId?: string;
  identityId?: string;
  userId?: string;
  authTokenType: string;
  iat: number;
  exp?: number;
}

/** A JWT signed with HS256. */
export function writeJwt(key: string, claims: Claims): string {
  const head = encode({ alg: "HS256", typ: "JWT" });
  const body = encode(claims);
  const token = `${head}.${body}.${signature(key, `${head}.${body}`)}`;
  lastRead = { key, token, claims };
  return token;
}

/** The claims, or why the token cannot be used; expiry is for the caller to judge. */
export function readJwt(key: string, token: string): Claims | "malformed" | "bad signature" {
  // A client sends the same one with every call.
  if (lastRead?.key === key && lastRead.token === token) return lastRead.claims;
  const [head, body, signed, ...rest] = token.split(".");
  if (head === undefined || body === undefined || signed === undefined || rest.length > 0) return "malformed";
  const claims = decode(body);
  if (claims === null || decode(head) === null) return "malformed";
  const expected = Buffer.from(signature(key, `${head}.${body}`));
  const offered = Buffer.from(signed);
  if (expected.length !== offered.length || !timingSafeEqual(expected, offered)) return "bad signature";
  lastRead = { key, token, claims };
  return claims;
}

/** Written or read last. */
let lastRead: { readonly key: string; readonly token: string; readonly claims: Claims } | undefined;

let lastKey: { readonly text: string; readonly key: KeyObject } | undefined;

function signature(text: string, signed: string): string {
  if (lastKey?.text !== text) lastKey = { text, key: createSecretKey(text, "base64") };
  return createHmac("sha256", lastKey.key).update(signed).digest("base64url");
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(text: string): Claims | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return isObject(value) ? { authTokenType: "", iat: 0, ...value } : null;
  } catch {
    return null;
  }
}
