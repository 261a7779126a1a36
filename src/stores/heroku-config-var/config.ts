import { z } from "zod";
import { healthUrl, type NamedApp, namedApp } from "../../vendors/heroku/app.ts";

/** Config vars of a Heroku app. */
export interface HerokuConfigVarConfig extends NamedApp {
  /** Name of the config var by field of the credential: `{ token: "HEROKU_API_KEY" }`. */
  readonly fields: Readonly<Record<string, string>>;
  /** Where the app itself says that it is well, with 2xx; asked without a credential. */
  readonly health?: string | undefined;
}

/** Checks that part of a configuration. */
export const herokuConfigVarConfig = z.strictObject({
  ...namedApp,
  fields: z
    .record(z.string().min(1), z.string().regex(/^\w+$/, { error: "letters, digits and _" }))
    .refine((fields) => new Set(Object.values(fields)).size === Object.keys(fields).length, {
      error: "two fields cannot share a name",
    })
    .refine((fields) => Object.keys(fields).length > 0, { error: "at least one field" }),
  health: healthUrl.optional(),
}) satisfies z.ZodType<HerokuConfigVarConfig>;
