import type { ValueSource } from "./estate.ts";
import type { States } from "./found.ts";
import { type GithubAct, isGithubAct, performOnGithub } from "./github/acts.ts";
import { type HerokuAct, isHerokuAct, performHeroku } from "./heroku/acts.ts";
import { performOnVault, type VaultAct } from "./infisical/acts.ts";
import { isMailAct, type MailAct, performOnMail } from "./mail/acts.ts";
import { outsideOf } from "./outside.ts";
import { alphanumeric } from "./random.ts";
import { isSlackAct, performOnSlack, type SlackAct } from "./slack/acts.ts";
import type { World } from "./world.ts";

/** Something that happens at a vendor by other hands than the client's: a dashboard, a colleague, time. */
export type Act = HerokuAct | GithubAct | VaultAct | SlackAct | MailAct;

/** The id of what was made, where something was. */
export interface ActResult {
  id?: string;
}

/** Performs an act on the vendors' state; throws where it names something that does not exist. */
export function perform(states: States, act: Act, world: World): ActResult {
  if (isGithubAct(act))
    return performOnGithub(states.github, act, (source) => resolve(states, source, world), world);
  if (isHerokuAct(act))
    return performHeroku(states.heroku, act, { world, resolve: (source) => resolve(states, source, world) });
  if (isSlackAct(act)) return performOnSlack(states.slack, act, world);
  if (isMailAct(act)) return performOnMail(states.mail, act, world);
  const outside = outsideOf(states, world);
  const hands = { world, outside, resolve: (source: ValueSource) => resolve(states, source, world) };
  return performOnVault(states.infisical, act, hands);
}

function resolve(states: States, source: ValueSource, world: World): string {
  if ("text" in source) return source.text;
  if ("generated" in source) return alphanumeric(world.random, source.generated);
  return must(
    states.heroku.authorizations.find((one) => one.id === source.authorization),
    source.authorization,
  ).token;
}

function must<T>(found: T | null | undefined, name: string): T {
  if (found === null || found === undefined) throw new Error(`there is no ${name}`);
  return found;
}
