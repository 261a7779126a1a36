import type { Trouble } from "../../core/errors.ts";
import type { RecordedIdentity } from "../../core/issuer.ts";
import type { Secret } from "../../core/secret-value.ts";
import { between, type Instant } from "../../core/time.ts";
import { ENOUGH, ENOUGH_SUFFIX, type Fit, fitOf, tells } from "../../vendors/heroku/redaction.ts";
import type { Authorization } from "../../vendors/heroku/shapes.ts";
import type { HerokuAuthorizationConfig } from "./config.ts";

/** What identifying looks at. */
export interface Lineup {
  readonly value: Secret;
  readonly recorded: RecordedIdentity | undefined;
  readonly entries: readonly Authorization[];
  /** Id of the account's default API key, where there is one. */
  readonly defaultId: string | undefined;
  readonly config: Pick<HerokuAuthorizationConfig, "account" | "known" | "description">;
  readonly now: Instant;
}

/** The one authorization that the value beyond doubt belongs to, or why none can be named (HK-04). */
export function identified(lineup: Lineup): Authorization | Trouble {
  const found = lineup.recorded === undefined ? byCharacters(lineup) : byRecord(lineup, lineup.recorded.id);
  if ("code" in found) return found;
  return notOurs(lineup, found) ?? strayBeside(lineup, found) ?? found;
}

/** How young another entry of the convention must be to look like a rotation that somebody has not finished (HK-13). */
const STRAY_YOUNGER_MS = 24 * 3_600_000;

/** How a description begins by a convention that begins with the month. */
const MONTH = /^\d{4}-\d{2}/;

/** An entry that is made by the same convention, is not the present one, and is young: another rotation may be under way. */
function strayBeside({ entries, config, now }: Lineup, present: Authorization): Trouble | undefined {
  const [before = "", after = ""] = config.description.split("{YYYY-MM}");
  const stray = entries.find(
    (one) =>
      one.id !== present.id &&
      !isKnown(config, one.id) &&
      (before !== "" || MONTH.test(one.description)) &&
      one.description.startsWith(before) &&
      one.description.slice(before.length + "YYYY-MM".length).startsWith(after) &&
      between(one.createdAt, now) < STRAY_YOUNGER_MS,
  );
  if (stray === undefined) return undefined;
  return {
    code: "DUPLICATE_UNCLEAR",
    message: `${short(stray.id)} (${stray.description}) was created less than 24 h ago by the same convention, and is not the present key`,
    because: "another rotation may be under way or was left unfinished, so nothing is created beside it",
    next: `lockstep test <secret>    after heroku authorizations:revoke ${stray.id}, once you know that nothing uses it`,
  };
}

function byRecord({ value, entries }: Lineup, id: string): Authorization | Trouble {
  const entry = entries.find((one) => one.id === id);
  if (entry === undefined) {
    return doubt(
      `the recorded authorization ${short(id)} is not in Heroku's list`,
      "the key on record was ended by somebody, so the value is another's",
      PUT_ONE_THAT_FITS,
    );
  }
  const fit = fitting(value, entry);
  if (entry.shown !== undefined && !fit.fits) {
    return doubt(
      `the characters that Heroku shows of ${short(id)}, the authorization on record, are not those of the value`,
      "record and value disagree, so one of them is of another authorization",
      PUT_ONE_THAT_FITS,
    );
  }
  if (!fit.whole && fit.prefix + fit.suffix === 0) {
    return doubt(
      `Heroku shows no character of ${short(id)}, the authorization on record`,
      "nothing ties the value to that authorization",
      PUT_ONE_THAT_FITS,
    );
  }
  return entry;
}

function byCharacters({ value, entries }: Lineup): Authorization | Trouble {
  const fits = entries.filter((one) => fitting(value, one).fits);
  const [entry, ...others] = fits;
  if (entry === undefined) {
    return doubt(
      `none of the ${entries.length} authorizations in Heroku's list fits the value`,
      "the value is of another account, or its authorization is gone",
      PUT_ONE_THAT_FITS,
    );
  }
  if (others.length > 0) {
    return doubt(
      `${fits.length} authorizations fit the value: ${fits.map((one) => short(one.id)).join(", ")}`,
      "ending the wrong one would stop somebody else's work",
      PUT_A_FRESH_ONE,
    );
  }
  const fit = fitting(value, entry);
  if (!tells(fit)) {
    return doubt(
      `Heroku shows only ${fit.prefix + fit.suffix} telling characters of ${short(entry.id)}, ${fit.suffix} of them at the end`,
      `without a record it takes at least ${ENOUGH}, ${ENOUGH_SUFFIX} of them at the end, to tell authorizations apart`,
      PUT_A_FRESH_ONE,
    );
  }
  return entry;
}

/** Why an entry is not one that a rotation of this secret may ever end. */
function notOurs({ defaultId, config }: Lineup, entry: Authorization): Trouble | undefined {
  if (entry.id === defaultId) {
    return doubt(
      `the value is the account's default API key (${short(entry.id)})`,
      "that key belongs to the person and their dashboard, not to a rotation",
      PUT_A_FRESH_ONE,
    );
  }
  if (entry.session) {
    return doubt(
      `the value is the token of a login session (${short(entry.id)})`,
      "it ends when that person logs out, and ending it logs them out",
      PUT_A_FRESH_ONE,
    );
  }
  if (isKnown(config, entry.id)) {
    return doubt(
      `the value is that of ${short(entry.id)}, which the configuration lists as somebody else's`,
      "known authorizations are never ended by a rotation (HK-03)",
      "lockstep test <secret>    after you have put its own value into the vault; if that is its own, take it off the list `known`",
    );
  }
  if (entry.user !== config.account) {
    return doubt(
      `authorization ${short(entry.id)} belongs to ${entry.user ?? "nobody whom Heroku names"}, not to ${config.account}`,
      "a credential of another account is never replaced or ended",
      "lockstep test <secret>    after you have checked the account in the configuration, and the connection",
    );
  }
  return undefined;
}

/** Whether the configuration lists this id, by itself or by its first 8 characters, as somebody else's (HK-03). */
export function isKnown({ known }: Pick<HerokuAuthorizationConfig, "known">, id: string): boolean {
  return known.some((one) => id === one.id || id.startsWith(`${one.id}-`));
}

function fitting(value: Secret, entry: Authorization): Fit {
  return entry.shown === undefined
    ? { fits: false, whole: false, prefix: 0, suffix: 0 }
    : fitOf(value, entry.shown);
}

const PUT_ONE_THAT_FITS =
  "lockstep test <secret>    after you have put a value that fits into the vault; heroku authorizations lists them";
const PUT_A_FRESH_ONE =
  "lockstep test <secret>    after heroku authorizations:create, with the token of that fresh one in the vault";

function doubt(found: string, because: string, next: string): Trouble {
  const message = `The authorization of the present value cannot be told: ${found}`;
  return { code: "OLD_NOT_IDENTIFIED", message, because, next };
}

function short(id: string): string {
  return id.slice(0, 8);
}
