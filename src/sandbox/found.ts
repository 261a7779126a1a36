import type { Estate, ValueSource } from "./estate.ts";
import { foundGithub } from "./github/found.ts";
import type { GithubState } from "./github/state.ts";
import { foundApp, foundHeroku } from "./heroku/found.ts";
import type { HerokuState } from "./heroku/state.ts";
import { foundInfisical } from "./infisical/found.ts";
import type { InfisicalState } from "./infisical/state.ts";
import { foundMail } from "./mail/found.ts";
import type { MailState } from "./mail/state.ts";
import { alphanumeric } from "./random.ts";
import { foundSlack } from "./slack/found.ts";
import type { SlackState } from "./slack/state.ts";
import type { World } from "./world.ts";

/** The state of all vendors. */
export interface States {
  heroku: HerokuState;
  github: GithubState;
  infisical: InfisicalState;
  slack: SlackState;
  mail: MailState;
}

type Resolve = (source: ValueSource) => string;

/** Builds the vendors' state from an estate, generating every secret. */
export function foundEstate(estate: Estate, world: World): States {
  const heroku = foundHeroku(estate.heroku, world);
  const resolve: Resolve = (source) => {
    if ("text" in source) return source.text;
    if ("generated" in source) return alphanumeric(world.random, source.generated);
    const authorization = heroku.authorizations.find((one) => one.id === source.authorization);
    if (!authorization) throw new Error(`the estate names an unknown authorization ${source.authorization}`);
    return authorization.token;
  };
  for (const app of estate.heroku.apps) heroku.apps.push(foundApp(app, resolve, world));
  return {
    heroku,
    github: foundGithub(estate.github, resolve, world),
    infisical: foundInfisical(estate.infisical, estate.heroku.account.email, resolve, world),
    slack: foundSlack(estate.slack, world),
    mail: foundMail(estate.mail, world),
  };
}
