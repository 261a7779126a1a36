import { z } from "zod";
import type { Secret } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { moment, plainText, secretText } from "../shaped.ts";

/** Whom a token belongs to. */
export interface Account {
  readonly id: string;
  readonly email: string;
  readonly federated: boolean;
  readonly suspended: boolean;
}

/** An OAuth authorization. */
export interface Authorization {
  readonly id: string;
  readonly description: string;
  readonly scope: readonly string[];
  readonly createdAt: Instant;
  /** Made by a login, not by hand. */
  readonly session: boolean;
  /** Email of the user; undefined where Heroku names none. */
  readonly user: string | undefined;
  /** What Heroku shows of its token: redacted, or in full on older servers. Undefined without a token. */
  readonly shown: Secret | undefined;
}

/** An authorization with its token, as only its creation answers. */
export interface MintedAuthorization {
  readonly authorization: Authorization;
  readonly token: Secret;
}

/** An app. */
export interface App {
  readonly id: string;
  readonly name: string;
  /** Heroku's router answers with a page of its own in the app's place. */
  readonly maintenance: boolean;
}

/** A release of an app. `pending` while its release phase runs. */
export interface Release {
  readonly version: number;
  /** `pending`, `succeeded`, `failed` or `expired`. */
  readonly status: string;
  readonly createdAt: Instant;
  /** The app by its present name; undefined where Heroku leaves it out. */
  readonly app: App | undefined;
}

/** All config vars of an app; each of them may be secret. */
export type ConfigVars = Readonly<Record<string, Secret>>;

const id = z.string().min(1);

/** `GET /account`. */
export const accountShape: z.ZodType<Account> = z
  .object({ id, email: plainText, federated: z.boolean().optional(), suspended_at: z.string().nullish() })
  .transform(({ federated, suspended_at, ...rest }) => ({
    ...rest,
    federated: federated === true,
    suspended: typeof suspended_at === "string",
  }));

const authorizationFields = z.object({
  id,
  description: plainText.nullish(),
  scope: z.array(z.string()),
  created_at: moment,
  session: z.object({}).nullish(),
  user: z.object({ email: plainText.nullish() }).nullish(),
  access_token: z.object({ token: secretText.nullish() }).nullish(),
});

/** One authorization, in every reply that has one. */
export const authorizationShape: z.ZodType<Authorization> = authorizationFields.transform(authorizationOf);

/** `GET /oauth/authorizations`. */
export const authorizationsShape: z.ZodType<Authorization[]> = z.array(authorizationShape);

// A redacted token in the one reply that should show it in full is no value to hand on.
const fullToken = z
  .string()
  .regex(/^[^*\s]+$/)
  .pipe(secretText);

/** `POST /oauth/authorizations`. */
export const mintedShape: z.ZodType<MintedAuthorization> = authorizationFields
  .extend({ access_token: z.object({ token: fullToken }) })
  .transform((fields) => ({ authorization: authorizationOf(fields), token: fields.access_token.token }));

function authorizationOf(fields: z.output<typeof authorizationFields>): Authorization {
  return {
    id: fields.id,
    description: fields.description ?? "",
    scope: fields.scope,
    createdAt: fields.created_at,
    session: fields.session !== null && fields.session !== undefined,
    user: fields.user?.email ?? undefined,
    shown: fields.access_token?.token ?? undefined,
  };
}

/** An app, in every reply that has one. */
export const appShape: z.ZodType<App> = z
  .object({ id, name: plainText, maintenance: z.boolean().optional() })
  .transform(({ maintenance, ...rest }) => ({ ...rest, maintenance: maintenance === true }));

/** `GET /apps`. */
export const appsShape: z.ZodType<App[]> = z.array(appShape);

/** Config vars: a flat map of text. */
export const configVarsShape: z.ZodType<Readonly<Record<string, string>>> = z.record(z.string(), z.string());

/** A release. */
export const releaseShape: z.ZodType<Release> = z
  .object({ version: z.int(), status: plainText, created_at: moment, app: appShape.optional() })
  .transform(({ created_at, app, ...rest }) => ({ ...rest, createdAt: created_at, app }));

/** `GET /apps/{app}/releases`. */
export const releasesShape: z.ZodType<Release[]> = z.array(releaseShape);
