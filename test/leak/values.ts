/** Every value that a sandbox and a Lockstep home know, by name: what must be found nowhere else. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { GithubState, SecretHolder } from "../../src/sandbox/github/state.ts";
import type { HerokuState } from "../../src/sandbox/heroku/state.ts";
import { writeJwt } from "../../src/sandbox/infisical/jwt.ts";
import type { InfisicalState } from "../../src/sandbox/infisical/state.ts";
import { alphanumeric } from "../../src/sandbox/random.ts";
import { readStateFile } from "../../src/sandbox/state-file.ts";
import { isClaim } from "./outside.ts";
import type { Known } from "./search.ts";

const HEROKU_PREFIX = "HRKU-";
const GITHUB_PREFIX = "github_pat_";
const SLACK_PREFIX = "xoxb-";

/** A made-up value of the form that Heroku's tokens have. */
export function freshToken(): string {
  return `${HEROKU_PREFIX}${alphanumeric(randomBytes, 60)}`;
}

/** A value by name; what all of its kind begin with is left out of account. */
export function known(name: string, text: string): Known {
  const prefix = [HEROKU_PREFIX, GITHUB_PREFIX, SLACK_PREFIX].find((one) => text.startsWith(one)) ?? "";
  return { name, bytes: Buffer.from(text), constant: prefix.length };
}

/** The values of a home: of its simulated vendors and of its key file. */
export function valuesOf(home: string): readonly Known[] {
  const states = readStateFile(path.join(home, "vendors.json"));
  if (states === null) throw new Error(`${home} has no vendors`);
  const all = [
    ...herokuValues(states.heroku),
    ...githubValues(states.github),
    ...infisicalValues(states.infisical),
    ...states.slack.bots.map((one) => known(`slack token ${one.name}`, one.token)),
    ...states.mail.accounts.map((one) => known(`mail password ${one.user}`, one.password)),
    ...keyValues(path.join(home, "keys.json")),
  ];
  const byText = new Map(all.map((one) => [one.bytes.toString("latin1"), one]));
  return [...byText.values()].filter((one) => one.bytes.length > 0);
}

function herokuValues({ authorizations, apps, logSessions }: HerokuState): Known[] {
  const tokens = authorizations.flatMap((one) => [
    known(`heroku token ${one.id}`, one.token),
    ...one.formerTokens.map((former, n) => known(`heroku token ${one.id} former ${n}`, former.token)),
  ]);
  const vars = apps.flatMap((app) =>
    app.releases.flatMap(({ config, version }) =>
      Object.entries(config).map(([name, text]) => known(`${app.name} v${version} ${name}`, text)),
    ),
  );
  // The estate's plain settings are written down in its source.
  const secret = vars.filter((one) => !/ (APP_ENV|LOG_LEVEL|DATABASE_URL)$/.test(one.name));
  return [...secret, ...tokens, ...logSessions.map((one) => known(`log session ${one.id}`, one.key))];
}

function githubValues({ tokens, repositories }: GithubState): Known[] {
  const held = (name: string, { key, secrets }: SecretHolder): Known[] => [
    { name: `${name} private key`, bytes: Buffer.from(key.seed, "base64") },
    ...secrets.map((one) => known(`${name} ${one.name}`, one.value)),
  ];
  return [
    ...repositories.flatMap((one) => [
      ...held(one.name, one),
      ...one.environments.flatMap((place) => held(`${one.name} ${place.name}`, place)),
    ]),
    ...tokens.map((one) => known(`github token ${one.name}`, one.token)),
  ];
}

function infisicalValues(state: InfisicalState): Known[] {
  const { signingKey, identities, tokens, projects, serviceTokens } = state;
  return [
    ...projects.flatMap((project) =>
      project.secrets
        .filter((one) => !isClaim(project, one))
        .flatMap(({ key, versions }) =>
          versions.map(({ version, value }) => known(`vault ${key} version ${version}`, value)),
        ),
    ),
    { name: "infisical signing key", bytes: Buffer.from(signingKey, "base64") },
    ...identities.flatMap((one) =>
      one.clientSecrets.map(({ secret }) => known(`infisical client secret ${one.name}`, secret)),
    ),
    ...serviceTokens.map((one) => known(`infisical service token ${one.id}`, one.secret)),
    ...tokens.map((token) => {
      const ttl = identities.find((one) => one.id === token.identityId)?.accessTokenTtlSeconds ?? 0;
      const iat = Math.floor(token.renewedAt / 1000);
      const jwt = writeJwt(signingKey, {
        identityId: token.identityId,
        identityAccessTokenId: token.id,
        authTokenType: "identityAccessToken",
        iat,
        exp: iat + ttl,
      });
      // Its other two parts are no secret: they say who logged in and when.
      return known(`infisical access token ${token.id}`, jwt.split(".")[2] ?? "");
    }),
  ];
}

function keyValues(file: string): Known[] {
  if (!existsSync(file)) return [];
  const { keys, fingerprint } = JSON.parse(readFileSync(file, "utf8")) as {
    keys: Record<string, string>;
    fingerprint: string;
  };
  return Object.entries({ ...keys, fingerprint }).map(([id, text]) => ({
    name: `key ${id}`,
    bytes: Buffer.from(text, "base64url"),
  }));
}
