import type { Hono } from "hono";
import { hex, uuid } from "../random.ts";
import { isObject, wrote } from "../world.ts";
import {
  authenticate,
  bodyFields,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  limit,
  stringField,
  usersOnly,
} from "./access.ts";
import { readJwt, writeJwt } from "./jwt.ts";
import type { AccessToken, Identity, InfisicalState } from "./state.ts";

const LOCKOUT = { threshold: 3, lockMs: 300_000, resetMs: 30_000 };

/** Adds login, renewal and revocation of access tokens, and the creation of service tokens. */
export function authRoutes(app: Hono<InfisicalEnv>): void {
  app.post("/api/v1/auth/universal-auth/login", (c) => {
    limit(c, "write", "login");
    return login(c);
  });
  app.post("/api/v1/auth/token/renew", (c) => {
    limit(c, "write", "renew");
    const { token, identity } = presented(c);
    const end = token.createdAt + identity.accessTokenMaxTtlSeconds * 1000;
    if (c.env.world.now() >= end)
      throw new InfisicalRefusal(
        401,
        "Failed to renew identity access token due to Max TTL expiration",
        "UnauthorizedError",
      );
    token.renewedAt = c.env.world.now();
    return c.json(tokenReply(c, token, identity));
  });
  app.post("/api/v1/auth/token/revoke", (c) => {
    limit(c, "write", "revoke");
    presented(c).token.revoked = true;
    return c.json({ message: "Successfully revoked access token" });
  });
  app.post("/api/v2/service-token", (c) => {
    authenticate(c);
    usersOnly(c);
    limit(c, "write", "service-token");
    return createServiceToken(c);
  });
}

function login(c: InfisicalContext): Response {
  const { live, world, trace } = c.env;
  const fields = bodyFields(c);
  const clientId = stringField(c, fields, "clientId");
  const clientSecret = stringField(c, fields, "clientSecret");
  const identity = live.identities.find((one) => one.clientId === clientId);
  trace.credential = identity?.name ?? null;
  if (!identity) {
    if (live.generation === "v4") throw new InfisicalRefusal(401, "Invalid credentials", "UnauthorizedError");
    throw new InfisicalRefusal(404, "No identity with specified client ID was found", "NotFound");
  }
  refuseLocked(live, identity, world.now());
  const match = identity.clientSecrets.find((one) => one.secret === clientSecret && one.revokedAt === null);
  if (!match) {
    countFailure(live, identity, world.now());
    throw new InfisicalRefusal(401, "Invalid credentials", "UnauthorizedError");
  }
  identity.failures = { count: 0, since: 0, lockedUntil: 0 };
  const now = world.now();
  const token: AccessToken = {
    id: uuid(world.random),
    identityId: identity.id,
    createdAt: now,
    renewedAt: now,
    revoked: false,
  };
  live.tokens = [...live.tokens.slice(-999), token];
  return c.json(tokenReply(c, token, identity));
}

// Only the current build locks an identity out after failed logins.
function refuseLocked(live: InfisicalState, identity: Identity, now: number): void {
  if (live.generation === "v3" || now >= identity.failures.lockedUntil) return;
  throw new InfisicalRefusal(
    401,
    "This identity auth method is temporarily locked, please try again later",
    "UnauthorizedError",
  );
}

function countFailure(live: InfisicalState, identity: Identity, now: number): void {
  if (live.generation === "v3") return;
  const { count, since, lockedUntil } = identity.failures;
  const fresh = count === 0 || now - since > LOCKOUT.resetMs;
  const failures = { count: fresh ? 1 : count + 1, since: now, lockedUntil };
  if (failures.count >= LOCKOUT.threshold) failures.lockedUntil = now + LOCKOUT.lockMs;
  identity.failures = failures;
}

function presented(c: InfisicalContext): { token: AccessToken; identity: Identity } {
  const { live, world, trace } = c.env;
  const claims = readJwt(live.signingKey, stringField(c, bodyFields(c), "accessToken"));
  if (typeof claims === "string")
    throw new InfisicalRefusal(
      403,
      claims === "malformed" ? "jwt malformed" : "invalid signature",
      "TokenError",
    );
  const token = live.tokens.find((one) => one.id === claims.identityAccessTokenId);
  const identity = live.identities.find((one) => one.id === token?.identityId);
  if (!token || !identity || token.revoked)
    throw new InfisicalRefusal(401, "No identity access token found", "UnauthorizedError");
  trace.credential = identity.name;
  if (claims.exp !== undefined && world.now() >= claims.exp * 1000) {
    throw new InfisicalRefusal(403, "Your token has expired. Please re-authenticate.", "TokenError");
  }
  return { token, identity };
}

function tokenReply(c: InfisicalContext, token: AccessToken, identity: Identity) {
  const iat = Math.floor(token.renewedAt / 1000);
  const expiresIn = identity.accessTokenTtlSeconds;
  const accessToken = writeJwt(c.env.live.signingKey, {
    identityId: identity.id,
    identityAccessTokenId: token.id,
    authTokenType: "identityAccessToken",
    iat,
    exp: iat + expiresIn,
  });
  return {
    accessToken,
    expiresIn,
    accessTokenMaxTTL: identity.accessTokenMaxTtlSeconds,
    tokenType: "Bearer",
  };
}

function createServiceToken(c: InfisicalContext): Response {
  const { state, world } = c.env;
  const fields = bodyFields(c);
  const projectId = stringField(c, fields, "workspaceId");
  const seconds = fields["expiresIn"];
  const now = world.now();
  const scopes = Array.isArray(fields["scopes"]) ? fields["scopes"].filter(isObject) : [];
  const permissions = Array.isArray(fields["permissions"]) ? fields["permissions"].map(String) : ["read"];
  const token = {
    id: uuid(world.random),
    secret: hex(world.random, 32),
    name: stringField(c, fields, "name"),
    projectId,
    scopes: scopes.map((one) => ({
      secretPath: String(one["secretPath"]),
      environment: String(one["environment"]),
    })),
    permissions,
    createdAt: now,
    expiresAt: typeof seconds === "number" ? now + seconds * 1000 : null,
  };
  state.serviceTokens.push(token);
  wrote(c.env, "service-token");
  const stamp = (at: number) => new Date(at).toISOString();
  return c.json({
    serviceToken: `st.${token.id}.${token.secret}`,
    serviceTokenData: {
      id: token.id,
      name: token.name,
      scopes: token.scopes,
      permissions,
      lastUsed: null,
      expiresAt: token.expiresAt === null ? null : stamp(token.expiresAt),
      createdAt: stamp(now),
      updatedAt: stamp(now),
      createdBy: c.get("actor").id,
      projectId,
    },
  });
}
