import type { AdapterDeps } from "../../core/adapter.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import type { Position } from "../../core/interlock.ts";
import { Secret } from "../../core/secret-value.ts";
import type { HerokuClient } from "../../vendors/heroku/client.ts";
import type { ConfigVars } from "../../vendors/heroku/shapes.ts";
import type { HerokuFlagConfig } from "./config.ts";

/** What the operations of this interlock work with. */
export type Deps = AdapterDeps<HerokuClient>;

/** The config var for people. */
export function targetOf({ app, name }: HerokuFlagConfig): string {
  return `heroku ${app} ${name}`;
}

/** What the flag among these config vars means; `unknown` where it means neither. */
export function meaningIn(config: HerokuFlagConfig, vars: ConfigVars): Position | "unknown" {
  const held = vars[config.name];
  const is = (text: string) => held?.equals(Secret.of(text)) === true;
  if (is(config.closedValue)) return "closed";
  return held === undefined || is(config.openValue) || is("") ? "open" : "unknown";
}

/** Trouble with this flag, in three sentences. */
export function problem(code: ErrorCode, message: string, because: string, next?: string): Trouble {
  return { code, message, because, next: next ?? "lockstep interlock status <interlock>" };
}

/** What stands there is neither of the two texts; it is not repeated, it may be anything. */
export function unclear(config: HerokuFlagConfig): Trouble {
  const { closedValue, openValue } = config;
  return problem(
    "INTERLOCK_UNCLEAR",
    `${targetOf(config)} holds neither ${closedValue} (closed) nor ${openValue} (open)`,
    "what the app makes of it is not known, so it counts neither as closed nor as open",
    'lockstep interlock close <interlock> --because "why"    or correct closedValue and openValue in the configuration',
  );
}
