import { createHmac, timingSafeEqual } from "node:crypto";
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
  return `${head}.${body}.${signature(key, `${head}.${body}`)}`;
}

/** The claims, or why the token cannot be used; expiry is for the caller to judge. */
export function readJwt(key: string, token: string): Claims | "malformed" | "bad signature" {
  const [head, body, signed, ...rest] = token.split(".");
  if (head === undefined || body === undefined || signed === undefined || rest.length > 0) return "malformed";
  const claims = decode(body);
  if (claims === null || decode(head) === null) return "malformed";
  const expected = Buffer.from(signature(key, `${head}.${body}`));
  const offered = Buffer.from(signed);
  if (expected.length !== offered.length || !timingSafeEqual(expected, offered)) return "bad signature";
  return claims;
}

function signature(key: string, text: string): string {
  return createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64url");
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
