import { z } from "zod";
import type { Instant } from "../../core/time.ts";
import { moment, plainText } from "../shaped.ts";

/** A process of an app; it keeps the config vars of its release for as long as it runs. */
export interface Dyno {
  /** `web.1`; one-off ones have a number of four digits: `run.4711`. */
  readonly name: string;
  readonly type: string;
  /** `crashed`, `down`, `idle`, `starting` or `up`. */
  readonly state: string;
  /** The release that it was started from. */
  readonly version: number;
  readonly createdAt: Instant;
  /** When its state last changed. */
  readonly updatedAt: Instant;
}

/** The processes of an app at a moment of the vendor's clock. */
export interface Processes {
  /** The reply's own `Date`, by the clock that stamps the dynos; ours where there is none. */
  readonly at: Instant;
  readonly dynos: readonly Dyno[];
}

/** How many dynos of a type an app is to have. */
export interface ProcessType {
  readonly type: string;
  readonly quantity: number;
}

/** An add-on and the config vars that it owns, which nobody else may change. */
export interface Addon {
  readonly name: string;
  readonly configVars: readonly string[];
}

const dynoShape: z.ZodType<Dyno> = z
  .object({
    name: plainText,
    type: plainText,
    state: plainText,
    release: z.object({ version: z.int() }),
    created_at: moment,
    updated_at: moment,
  })
  .transform(({ release, created_at, updated_at, ...rest }) => ({
    ...rest,
    version: release.version,
    createdAt: created_at,
    updatedAt: updated_at,
  }));

/** `GET /apps/{app}/dynos`. */
export const dynosShape: z.ZodType<Dyno[]> = z.array(dynoShape);

/** `GET /apps/{app}/formation`. */
export const formationShape: z.ZodType<ProcessType[]> = z.array(
  z.object({ type: plainText, quantity: z.int() }),
);

const addonShape: z.ZodType<Addon> = z
  .object({ name: plainText, config_vars: z.array(plainText) })
  .transform(({ name, config_vars }) => ({ name, configVars: config_vars }));

/** `GET /apps/{app}/addons`. */
export const addonsShape: z.ZodType<Addon[]> = z.array(addonShape);

/** `GET /apps/{app}/features/preboot`. */
export const featureShape: z.ZodType<{ readonly enabled: boolean }> = z.object({ enabled: z.boolean() });
