import { ownerOf } from "./people.ts";
import {
  type Authorization,
  currentRelease,
  type Dyno,
  type Formation,
  type HerokuApp,
  type HerokuState,
  type Release,
  tokenAccepted,
} from "./state.ts";

const REGION = { id: "59accabd-516d-4f0e-83e6-6e3757701145", name: "us" };
const STACK = { id: "0c7b6f3c-3c1a-4f5b-8f55-6b1b8f6b5a24", name: "heroku-24" };
const GENERATION = { id: "ec6f10e1-9b6e-4e5c-9a0b-2e8d1c3f7a55", name: "cedar" };

/** Heroku's timestamps carry whole seconds. */
export function stamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** `GET /account`. */
export function accountReply(state: HerokuState) {
  const { account } = state;
  return {
    allow_tracking: true,
    beta: false,
    created_at: stamp(account.createdAt),
    email: account.email,
    federated: account.federated,
    id: account.id,
    identity_provider: account.federated
      ? { id: account.id, name: "sandbox-sso", owner: { id: account.id, name: "sandbox", type: "team" } }
      : null,
    last_login: stamp(account.createdAt),
    name: account.name,
    sms_number: null,
    suspended_at: account.suspendedAt === null ? null : stamp(account.suspendedAt),
    delinquent_at: null,
    two_factor_authentication: true,
    updated_at: stamp(account.createdAt),
    verified: true,
    country_of_residence: null,
    default_organization: null,
    default_team: null,
  };
}

/** `GET /apps/{app}`. */
export function appReply(state: HerokuState, app: HerokuApp) {
  const release = currentRelease(app);
  return {
    acm: false,
    archived_at: null,
    buildpack_provided_description: "Python",
    build_stack: STACK,
    created_at: stamp(app.createdAt),
    generation: GENERATION,
    git_url: `https://git.heroku.com/${app.name}.git`,
    id: app.id,
    internal_routing: null,
    maintenance: false,
    name: app.name,
    owner: ownerOf(state, app),
    organization: app.access.team && { name: app.access.team.name },
    team: app.access.team,
    region: REGION,
    released_at: stamp(release.updatedAt),
    repo_size: null,
    slug_size: 84_000_000,
    space: null,
    stack: STACK,
    updated_at: stamp(release.updatedAt),
    web_url: `https://${app.name}.herokuapp.com/`,
  };
}

/** A release. */
export function releaseReply(state: HerokuState, app: HerokuApp, release: Release, origin: string) {
  return {
    addon_plan_names: [],
    app: { name: app.name, id: app.id },
    artifacts: [{ type: "slug", id: release.slugId }],
    created_at: stamp(release.createdAt),
    current: release === currentRelease(app),
    description: release.description,
    eligible_for_rollback: release.status === "succeeded",
    id: release.id,
    output_stream_url: app.releaseCommand === null ? null : `${origin}/streams/release/${release.id}`,
    slug: { id: release.slugId },
    status: release.status,
    updated_at: stamp(release.updatedAt),
    user: { email: state.account.email, id: state.account.id },
    version: release.version,
  };
}

/** A dyno. */
export function dynoReply(app: HerokuApp, dyno: Dyno) {
  return {
    attach_url: null,
    app: { name: app.name, id: app.id },
    command: dyno.command,
    created_at: stamp(dyno.createdAt),
    id: dyno.id,
    name: dyno.name,
    release: { id: dyno.releaseId, version: dyno.version },
    size: dyno.size,
    state: dyno.state,
    type: dyno.type,
    updated_at: stamp(dyno.updatedAt),
  };
}

/** A formation. */
export function formationReply(app: HerokuApp, formation: Formation) {
  return {
    app: { name: app.name, id: app.id },
    command: formation.command,
    created_at: stamp(app.createdAt),
    dyno_size: { id: "f6c7a1f4-0d5e-4c88-9f0a-6f35ab2f9c11", name: formation.size },
    id: formation.id,
    quantity: formation.quantity,
    size: formation.size,
    type: formation.type,
    updated_at: stamp(formation.updatedAt),
  };
}

/** An authorization; the token is in full only in the reply to its creation or regeneration. */
export function authorizationReply(
  state: HerokuState,
  authorization: Authorization,
  options: { now: number; reveal: boolean },
) {
  const { id, token, expiresAt } = { ...authorization, id: authorization.tokenId };
  const usable = authorization.tokenRevokedAt === null;
  const expires_in = expiresAt === null ? null : Math.max(0, Math.ceil((expiresAt - options.now) / 1000));
  return {
    access_token: usable ? { id, token: options.reveal ? token : redact(state, token), expires_in } : null,
    client: null,
    created_at: stamp(authorization.createdAt),
    description: authorization.description,
    grant: null,
    id: authorization.id,
    refresh_token: null,
    scope: authorization.scope,
    session: authorization.sessionId === null ? null : { id: authorization.sessionId },
    updated_at: stamp(authorization.updatedAt),
    user: { id: state.account.id, email: state.account.email, full_name: state.account.name },
  };
}

/** A token as lists show it since 2026-05: prefix, exactly ten asterisks, suffix. */
function redact(state: HerokuState, token: string): string {
  const { prefix, suffix } = state.settings.redaction;
  return `${token.slice(0, prefix)}${"*".repeat(10)}${suffix === 0 ? "" : token.slice(-suffix)}`;
}

/** Whether an authorization's current token works now. */
export function alive(state: HerokuState, authorization: Authorization, now: number): boolean {
  return tokenAccepted(state, authorization.token, now);
}
