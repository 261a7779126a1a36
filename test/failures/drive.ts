import { type Fault, type FaultKind, routeMatches } from "../../src/sandbox/faults.ts";
import { Died, type Life } from "../flow/life.ts";
import type { raxx } from "../flow/raxx-config.ts";
import { type ProcessHooks, type Run, SECRET, type World, world } from "../flow/world.ts";
import { isAt, type Place, type Route } from "./places.ts";
import { isAnnounced, type Truth, truthOf } from "./truth.ts";

/** What goes wrong. */
export type Trouble = "refuses" | "silent" | "dies" | "cancels";

/** A run that has met its trouble and has come to rest, or whose process has died. */
export interface Met {
  readonly w: World;
  readonly run: Run;
  readonly died: boolean;
  /** Requests that the place sent while the trouble was to happen. */
  readonly asked: number;
  /** Where `lockstep cancel` is refused: how it was at the vendors in the moment of asking. */
  readonly refused: Truth | undefined;
}

const FAULTS: Record<"refuses" | "silent", FaultKind> = {
  // In the vendor's own shape.
  refuses: { kind: "status", status: 403 },
  silent: { kind: "lost-reply" },
};
const REFUSED: Fault = { ...FAULTS.refuses, count: null };

/** Carries a run to the place and lets the trouble happen there, for as long as the place is at work. */
export async function meet(place: Place, trouble: Trouble): Promise<Met> {
  const w = await world(trouble === "dies" ? { change: oneByOne, ...place.options } : place.options);
  const run = w.run();
  if (place.back === "rollback") await comeHalfWay(w, run);
  const at: At = { w, run, place, trouble, seen: { asked: 0, refused: undefined } };
  const died = await goThrough(run, hooksFor(at));
  w.sandbox.control.clearFaults();
  return { w, run, died, ...at.seen };
}

/** One app a wave: which of two had been asked when their process died would be chance. */
function oneByOne(config: ReturnType<typeof raxx>): ReturnType<typeof raxx> {
  const one = config.secrets[SECRET];
  if (one?.destinations) one.destinations = one.destinations.flat().map((copy) => [copy]);
  return config;
}

/** Carries it out until it rests; true when the process died. */
async function goThrough(run: Run, hooks: ProcessHooks): Promise<boolean> {
  try {
    await run.go(hooks);
    return false;
  } catch (thrown) {
    if (thrown instanceof Died) return true;
    throw thrown;
  }
}

/** Written everywhere, held while it waits for jobs, and told to go back. */
async function comeHalfWay(w: World, run: Run): Promise<void> {
  await run.go(faultsOf(w, [() => (isAtWork(run, "drain") ? [REFUSED] : [])]));
  w.sandbox.control.clearFaults();
  run.say({ choice: "rollback" });
}

function isAtWork(run: Run, step: string): boolean {
  return ["acting", "proving"].includes(run.step(step)?.state ?? "");
}

type Source = () => readonly Fault[];

/** Sets the faults of the moment before each request, and takes away those of the moment before. */
function faultsOf({ sandbox: { control } }: World, sources: readonly Source[]): ProcessHooks {
  return {
    asks: () => {
      const faults = sources.flatMap((source) => source());
      control.clearFaults();
      for (const fault of faults) control.addFault(fault);
    },
  };
}

interface At {
  readonly w: World;
  readonly run: Run;
  readonly place: Place;
  readonly trouble: Trouble;
  readonly seen: { asked: number; refused: Truth | undefined };
}

function hooksFor(at: At): ProcessHooks {
  const { w, run, place, trouble } = at;
  // So that the run goes back by itself, the check of its new key is refused.
  const spoils: Source = () => (place.back === "undo" && isAtWork(run, "validate") ? [REFUSED] : []);
  const own = trouble === "refuses" || trouble === "silent" ? [faultsAt(at, FAULTS[trouble])] : [];
  const { asks } = faultsOf(w, [spoils, ...own]);
  const others = trouble === "dies" ? dyingHooks(at) : trouble === "cancels" ? cancellingHooks(at) : {};
  return {
    ...others,
    asks: (life, n) => {
      asks?.(life, n);
      others.asks?.(life, n);
    },
  };
}

/** From the first write of the place on, or from its first request where it writes nothing. */
function faultsAt({ w, run, place, seen }: At, kind: FaultKind): Source {
  let begun = place.writes === undefined;
  return () => {
    const writes = place.writes ?? [];
    const isOurs = ({ fault }: { fault: Fault }) => writes.some(({ route }) => route === fault.route);
    begun ||= w.sandbox.control.faults().some((one) => one.hits > 0 && isOurs(one));
    if (!isAt(w, run, place)) return [];
    seen.asked += 1;
    const routes = begun ? [...writes, ...(place.asks ?? [{}])] : writes;
    return routes.map((route) => ({ ...route, ...kind, count: null }));
  };
}

/** SIGKILL right after the vendor has carried out the write of the place (its first request where it writes nothing). */
function dyingHooks({ w, run, place, seen }: At): ProcessHooks {
  let life: Life | undefined;
  const die = () => {
    seen.asked += 1;
    life?.die();
  };
  return {
    born: (born) => {
      life = born;
    },
    answered: () => {
      if (place.quiet || !isAt(w, run, place)) return;
      const last = w.sandbox.control.journal.list().at(-1);
      const wrote = last?.effect === "write" && (place.writes ?? []).some((route) => fits(route, last));
      if (place.writes === undefined || wrote) die();
    },
    ...atEntries(place, die),
  };
}

/** The wish comes with the requests of the place; also where the command refuses it, because it may have come a moment earlier. */
function cancellingHooks({ w, run, place, seen }: At): ProcessHooks {
  const wish = () => {
    seen.asked += 1;
    if (isRefused(w, run)) seen.refused ??= truthOf(w, run);
    run.cancel();
  };
  return {
    asks: () => {
      if (!place.quiet && isAt(w, run, place)) wish();
    },
    ...atEntries(place, wish),
  };
}

/** Whether `lockstep cancel` says no: a step that only a person's decision takes back was announced; see app/decisions.ts. */
function isRefused({ memory }: World, run: Run): boolean {
  return run.plan.steps.some(
    ({ id, undoes }) =>
      (undoes === "no way back" || undoes?.includes("a person decides")) && isAnnounced(memory, run, id),
  );
}

/** In a place that asks no vendor: while it waits, else when its work is done and nothing of it is recorded. */
function atEntries(place: Place, happens: () => void): ProcessHooks {
  if (!place.quiet) return {};
  return {
    recorded: (key) => (key === `${place.step}/wait/1` ? happens() : undefined),
    ran: (key) => (key === `${place.step}/act/1` ? happens() : undefined),
  };
}

function fits(route: Route, entry: { vendor: string; method: string; path: string }): boolean {
  return (
    route.vendor === entry.vendor &&
    (route.method ?? entry.method) === entry.method &&
    routeMatches(route.route ?? "*", entry.path)
  );
}
