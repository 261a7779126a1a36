import type { StoreDeps } from "../../core/adapter.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { HerokuClient } from "../../vendors/heroku/client.ts";
import type { ConfigVars } from "../../vendors/heroku/shapes.ts";
import type { HerokuConfigVarConfig } from "./config.ts";

/** What the operations of this store work with. */
export type Deps = StoreDeps<HerokuClient>;

/** One config var, as plans, sweeps and surveys spell it. */
export function placeOf(app: string, name: string): string {
  return `heroku ${app} ${name}`;
}

/** All fields in one line. */
export function targetOf({ app, fields }: HerokuConfigVarConfig): string {
  return placeOf(app, Object.values(fields).join(", "));
}

/** The names of the config vars that hold the fields. */
export function namesIn({ fields }: HerokuConfigVarConfig): readonly string[] {
  return Object.values(fields);
}

/** The configured fields as the app holds them; undefined where one is missing. */
export function heldIn(config: HerokuConfigVarConfig, vars: ConfigVars): Values | undefined {
  const held = Object.entries(config.fields).flatMap(([field, name]) => {
    const value = vars[name];
    return value === undefined ? [] : [[field, value] as const];
  });
  return held.length === Object.keys(config.fields).length ? Object.fromEntries(held) : undefined;
}

/** Whether every configured field holds these values. */
export function holds(config: HerokuConfigVarConfig, vars: ConfigVars, values: Values): boolean {
  const held = heldIn(config, vars);
  return Object.keys(config.fields).every((field) => held?.[field]?.equals(fieldOf(values, field)) === true);
}

/** A field of the credential; throws TypeError where it has none. */
export function fieldOf(values: Values, field: string): Secret {
  const value = values[field];
  // Fields of secret and stores are compared when the configuration is loaded, so this is a fault of ours.
  if (value === undefined) throw new TypeError(`the credential has no field ${field}`);
  return value;
}

/** A refusal of this place, in three sentences. */
export function problem(code: ErrorCode, message: string, because: string, next?: string): Trouble {
  return {
    code,
    message,
    because,
    next:
      next ?? "lockstep rotate <secret>    after you have looked at the app's activity in Heroku's dashboard",
  };
}
