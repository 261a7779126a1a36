import { type Config, checkConfig } from "../../src/app/config.ts";
import { type Estate, raxxEstate } from "../../src/sandbox/estate.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { raxx } from "../flow/raxx-config.ts";
import type { Size } from "./case.ts";
import { SWITCH } from "./truth.ts";

/** An estate and the configuration that describes it. */
export interface Ground {
  readonly estate: Estate;
  /** As somebody wrote it. */
  readonly written: ReturnType<typeof raxx>;
  readonly config: Config;
}

const LEAN = ["raxx-api-prod"];
/** Of the account's authorizations those that somebody names, and one that is called by the same words as one of these. */
const BARE: readonly string[] = [
  RAXX.currentAuthorization,
  RAXX.unusedAuthorization,
  RAXX.namesakeAuthorization,
  RAXX.billingAuthorization,
];
const kept = new Map<string, Ground>();

/** The estate of that size; `byHand`: the repository's secret is one that only a person may write. Made once: nothing changes it. */
export function groundOf(size: Size, byHand = false): Ground {
  const key = byHand ? `${size}, by hand` : size;
  const ground = kept.get(key) ?? made(size, byHand);
  kept.set(key, ground);
  return ground;
}

function made(size: Size, byHand: boolean): Ground {
  const estate = raxxEstate();
  const raw = raxx();
  const secret = raw.secrets["heroku-api-key"];
  if (!secret) throw new Error("the example has no heroku-api-key");
  for (const { config } of estate.heroku.apps) config[SWITCH] = { text: "1" };
  if (byHand)
    for (const one of (secret.destinations ?? []).flat())
      if (one.kind === "github-actions-secret") Object.assign(one, { byHand });
  if (size === "full") return { estate, written: raw, config: checkConfig(raw) };
  if (size === "bare")
    estate.heroku.authorizations = estate.heroku.authorizations.filter(
      ({ id, isDefault }) => isDefault || BARE.includes(id),
    );
  const names = size === "lean" ? LEAN : [];
  estate.heroku.apps = estate.heroku.apps.filter(({ name }) => names.includes(name));
  const issuer = secret.issuer as { apps: { name: string }[] };
  issuer.apps = issuer.apps.filter(({ name }) => names.includes(name));
  const waves = (secret.destinations ?? []).map((wave) =>
    [wave].flat().filter((one) => one.kind !== "heroku-config-var" || names.includes(String(one["app"]))),
  );
  const alone = size === "bare" && !byHand;
  secret.destinations = alone ? [] : waves.filter((wave) => wave.length > 0);
  if (alone) for (const one of estate.github.repositories) one.secrets = {};
  return { estate, written: raw, config: checkConfig(raw) };
}
