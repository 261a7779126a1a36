import { between, durationText, type Milliseconds } from "../../core/time.ts";
import type { Dyno, Processes } from "./app-shapes.ts";

/** Types that no formation has; Heroku numbers all one-off dynos with four digits, whatever their type. */
const ONE_OFF = /^(run|scheduler|release)$/;
const ONE_OFF_NAME = /\.\d{4,}$/;

/**
 * For how long a process may stay crashed before that is called a loop. Heroku starts it again at once after a first crash
 * and lets it cool off, ever longer, after those in a row (changelog item 344), so one that stays crashed has crashed
 * again. Comparing creation times was rejected: the processes of one release do not all start in the same second.
 */
const STAYS_CRASHED_MS: Milliseconds = 30_000;

/**
 * For how long preboot may keep old web processes going, which Heroku then does not list: the boot timeout and 2 min more
 * (changelog item 1121), and 30 s to end. The app's boot timeout cannot be asked for, so the longest is taken, 3 min.
 */
export const PREBOOT_MS: Milliseconds = 330_000;

/** Those that are kept running, without one-off ones. */
export function standing(dynos: readonly Dyno[]): readonly Dyno[] {
  return dynos.filter(({ type, name }) => !ONE_OFF.test(type) && !ONE_OFF_NAME.test(name));
}

/** Processes that come up are looked at so often, so that a crash loop is met soon. */
export const LOOK_EVERY: Milliseconds = 15_000;

interface Hitch {
  readonly is: "loop" | "not yet";
  readonly says: string;
  /** For how long it will say the same at least, where that can be told. */
  readonly forMs?: Milliseconds;
}

/** What speaks against processes that are to have been up for so long with this release or a later one; undefined for nothing. */
export function hitchIn(
  { at, dynos }: Processes,
  version: number,
  steadyMs: Milliseconds,
): Hitch | undefined {
  const those = standing(dynos);
  const crashed = those.filter(({ state }) => state === "crashed");
  const loop = crashed.filter(
    (one) => one.version >= version && between(one.updatedAt, at) >= STAYS_CRASHED_MS,
  );
  if (loop.length > 0) return { is: "loop", says: `crashed and not started again: ${namesOf(loop)}` };
  const older = those.filter((one) => one.version < version);
  const short = those.filter(({ state, updatedAt }) => state === "up" && between(updatedAt, at) < steadyMs);
  // An idle one sleeps, and takes up what is in force when it wakes.
  const others = those.filter(({ state }) => !["crashed", "up", "idle"].includes(state));
  const left = Math.max(0, ...short.map((one) => steadyMs - between(one.updatedAt, at)));
  const [found] = [
    { says: "still on an older release", dynos: older },
    { says: "crashed, about to be started again", dynos: crashed },
    { says: "not up yet", dynos: others, forMs: steadyMs },
    { says: `up for less than ${durationText(steadyMs)}`, dynos: short, forMs: left },
  ].filter((one) => one.dynos.length > 0);
  if (found === undefined) return undefined;
  const says = `${found.says}: ${namesOf(found.dynos)}`;
  return { is: "not yet", says, ...(found.forMs && { forMs: found.forMs }) };
}

const inOrder = new Intl.Collator("en", { numeric: true });

/** Names for a sentence, five at most. */
export function namesOf(dynos: readonly Dyno[]): string {
  const names = dynos.map(({ name }) => name).sort(inOrder.compare);
  const rest = names.length - 5;
  return rest > 0 ? `${names.slice(0, 5).join(", ")} and ${rest} more` : names.join(", ");
}
