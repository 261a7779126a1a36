import { healthy } from "./health.ts";
import { alive } from "./replies.ts";
import { permissionsOf } from "./sharing.ts";
import {
  type Authorization,
  addonVarsOf,
  currentRelease,
  type Dyno,
  type HerokuApp,
  type HerokuState,
  tokenAccepted,
} from "./state.ts";

type Held<H> = (values: Record<string, string | null>) => Record<string, H>;

/** What is true at Heroku, each value as `held` describes it; times in milliseconds since the epoch. */
export function herokuTruth<H>(heroku: HerokuState, held: Held<H>, now: number) {
  return {
    federated: heroku.account.federated,
    authorizations: heroku.authorizations.map((one) => authorizationTruth(heroku, one, now)),
    apps: heroku.apps.map((app) => ({
      id: app.id,
      name: app.name,
      release: {
        version: currentRelease(app).version,
        pending: app.releases.some((one) => one.status === "pending"),
        latest: latestOf(app),
      },
      config: held(currentRelease(app).config),
      addonVars: addonVarsOf(app),
      preboot: app.preboot,
      healthy: healthy(heroku, app, now),
      may: [...permissionsOf(app.access)],
      dynos: [
        ...app.retiring.map((dyno) => ({ ...dynoTruth(dyno, held), retiring: true })),
        ...app.dynos.map((dyno) => ({ ...dynoTruth(dyno, held), retiring: false })),
      ],
    })),
  };
}

function authorizationTruth(heroku: HerokuState, one: Authorization, now: number) {
  return {
    id: one.id,
    description: one.description,
    scope: one.scope,
    alive: alive(heroku, one, now),
    listed: one.deletedAt === null,
    formerTokensAlive: one.formerTokens.filter((former) => tokenAccepted(heroku, former.token, now)).length,
    createdAt: one.createdAt,
    deletedAt: one.deletedAt,
    expiresAt: one.expiresAt,
  };
}

function latestOf({ releases }: HerokuApp) {
  const latest = releases.at(-1);
  return latest ? { version: latest.version, status: latest.status } : null;
}

// `since` is when its state last changed, `until` when it ends by itself.
function dynoTruth<H>(dyno: Dyno, held: Held<H>) {
  const { id, name, type, state, version, createdAt, updatedAt: since, endsAt: until, crashes, env } = dyno;
  return { id, name, type, state, version, createdAt, since, until, crashes, env: held(env) };
}
