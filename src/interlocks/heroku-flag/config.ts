import { z } from "zod";
import { healthUrl, type NamedApp, namedApp } from "../../vendors/heroku/app.ts";

/** A config var of a Heroku app that the app reads as a switch. */
export interface HerokuFlagConfig extends NamedApp {
  /** The config var: `TRADING_LIVE_DISABLED`. */
  readonly name: string;
  /** What it holds while closed. */
  readonly closedValue: string;
  /** What it is given to open it. Absent and empty mean open too, and everything else means neither. */
  readonly openValue: string;
  /** Where the app itself says that it is well, with 2xx; asked without a credential. */
  readonly health?: string | undefined;
}

// A flag is no secret: what is longer than a word is something else.
const flag = z.string().regex(/^[\w.-]{1,16}$/, { error: "a word of at most 16 characters" });

/** Checks that part of a configuration. */
export const herokuFlagConfig = z
  .strictObject({
    ...namedApp,
    name: z.string().regex(/^\w+$/, { error: "letters, digits and _" }),
    closedValue: flag.default("1"),
    openValue: flag.default("0"),
    health: healthUrl.optional(),
  })
  .refine(({ closedValue, openValue }) => closedValue !== openValue, {
    error: "closedValue and openValue that differ",
  }) satisfies z.ZodType<HerokuFlagConfig>;
