import type { States } from "./found.ts";
import { githubTruth } from "./github/truth.ts";
import { type HerokuState, tokenAccepted, tokenOwner } from "./heroku/state.ts";
import { herokuTruth } from "./heroku/truth.ts";
import { infisicalTruth } from "./infisical/truth.ts";
import { mailTruth } from "./mail/truth.ts";
import { slackTruth } from "./slack/truth.ts";

/** Which Heroku authorization a value belongs to, told without the value. */
export interface Holding {
  /** Authorization id; "unknown value" for any other text; null for none. */
  holds: string | null;
  /** Whether Heroku accepts the value now. */
  works: boolean;
  /** True for a token that its authorization has since replaced. */
  former: boolean;
}

/** What is true at the vendors: of credentials and copies without any value, of messages their words. */
export type Truth = ReturnType<typeof tellTruth>;

type Held = (values: Record<string, string | null>) => Record<string, Holding>;

/** Which authorization a value belongs to. */
function holding(heroku: HerokuState, value: string | null | undefined, now: number): Holding {
  if (value === null || value === undefined || value === "")
    return { holds: null, works: false, former: false };
  const owner = tokenOwner(heroku, value.trim());
  if (!owner) return { holds: "unknown value", works: false, former: false };
  return { holds: owner.authorization.id, works: tokenAccepted(heroku, value, now), former: owner.former };
}

/** Tells the state of every credential and of every copy. */
export function tellTruth(states: States, now: number) {
  const { heroku, github, infisical, slack, mail } = states;
  const held: Held = (values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, holding(heroku, value, now)]));
  return {
    heroku: herokuTruth(heroku, held, now),
    github: githubTruth(github, held, now),
    infisical: infisicalTruth(infisical, (value) => holding(heroku, value, now)),
    slack: slackTruth(slack),
    mail: mailTruth(mail),
  };
}
