import { z } from "zod";

/** Config vars of a Heroku app. */
export interface HerokuConfigVarConfig {
  /** The app's name, for people; calls are made with the UUID. */
  readonly app: string;
  readonly appId: string;
  /** Name of the config var by field of the credential: `{ token: "HEROKU_API_KEY" }`. */
  readonly fields: Readonly<Record<string, string>>;
  /** Where the app itself says that it is well, with 2xx; asked without a credential. */
  readonly health?: string | undefined;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Checks that part of a configuration. */
export const herokuConfigVarConfig = z.strictObject({
  app: z.string().regex(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/, { error: "an app's name" }),
  appId: z.guid(),
  fields: z
    .record(z.string().min(1), z.string().regex(/^\w+$/, { error: "letters, digits and _" }))
    .refine((fields) => new Set(Object.values(fields)).size === Object.keys(fields).length, {
      error: "two fields cannot share a name",
    })
    .refine((fields) => Object.keys(fields).length > 0, { error: "at least one field" }),
  health: z
    .string()
    .refine(isHealthUrl, { error: "an https URL (or http on loopback), no user in it" })
    .optional(),
}) satisfies z.ZodType<HerokuConfigVarConfig>;

function isHealthUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const safe = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  return safe && username === "" && password === "";
}
