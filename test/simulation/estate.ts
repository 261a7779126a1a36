import { type Config, checkConfig } from "../../src/app/config.ts";
import { type Estate, raxxEstate } from "../../src/sandbox/estate.ts";
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
const kept = new Map<Size, Ground>();

/** The estate of that size. Made once: nothing changes it. */
export function groundOf(size: Size): Ground {
  const ground = kept.get(size) ?? made(size);
  kept.set(size, ground);
  return ground;
}

function made(size: Size): Ground {
  const estate = raxxEstate();
  const raw = raxx();
  const secret = raw.secrets["heroku-api-key"];
  if (!secret) throw new Error("the example has no heroku-api-key");
  for (const { config } of estate.heroku.apps) config[SWITCH] = { text: "1" };
  if (size === "full") return { estate, written: raw, config: checkConfig(raw) };
  const names = size === "lean" ? LEAN : [];
  estate.heroku.apps = estate.heroku.apps.filter(({ name }) => names.includes(name));
  const issuer = secret.issuer as { apps: { name: string }[] };
  issuer.apps = issuer.apps.filter(({ name }) => names.includes(name));
  const waves = (secret.destinations ?? []).map((wave) =>
    [wave].flat().filter((one) => one.kind !== "heroku-config-var" || names.includes(String(one["app"]))),
  );
  secret.destinations = size === "bare" ? [] : waves.filter((wave) => wave.length > 0);
  if (size === "bare") for (const one of estate.github.repositories) one.secrets = {};
  return { estate, written: raw, config: checkConfig(raw) };
}
