import { liftFreeze, startFreeze } from "../../app/freezing.ts";
import type { Home } from "../../app/home.ts";
import { localActor } from "../../app/people.ts";
import { type Carrier, viewRun } from "../../app/runs.ts";
import { LockstepError } from "../../core/errors.ts";
import { follow, withCarrier, withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { becauseFlag } from "../render.ts";

interface FreezeOptions extends Common {
  readonly all: boolean;
  readonly lift: boolean;
  readonly because?: string;
}

/** `lockstep freeze`: stops all new effects at the next safe point, and lets the runs go on later. */
export function freeze(io: Io, options: FreezeOptions): Promise<Result> {
  if (options.lift && options.all) throw bothWays();
  return withHome(options, async (home) => {
    const actor = localActor(home.config);
    if (options.lift)
      return withCarrier(io, home, (carrier, signal) => lift(io, home, carrier, signal, options.because));
    if (!options.all || !options.because) throw incomplete(options.because);
    const frozen = await startFreeze(home, actor, options.because);
    const text = [
      `Frozen since ${frozen.at} by ${frozen.by.name}: ${frozen.reason}`,
      "What is being done is finished; no new effect begins. Runs are held at their next one.",
      "next  lockstep freeze --lift    lets them begin again",
    ].join("\n");
    return { exit: EXIT.done, json: { frozen: true, ...frozen }, text };
  });
}

/** Where no worker takes the runs up, they go on here, until each has come to rest. */
async function lift(
  io: Io,
  home: Home,
  { requests, here }: Carrier,
  signal: AbortSignal,
  because: string | undefined,
): Promise<Result> {
  const resumed = await liftFreeze(home, requests, localActor(home.config), because);
  const json = { frozen: false, resumed: resumed.map((run) => run.id) };
  if (resumed.length === 0)
    return {
      exit: EXIT.done,
      json,
      text: "Effects may begin again. No run waited for it.\nnext  lockstep status",
    };
  if (!here) {
    const text = `Effects may begin again. A worker goes on with ${json.resumed.join(", ")}\nnext  lockstep runs`;
    return { exit: EXIT.done, json, text };
  }
  io.note("Effects may begin again. ^C leaves what goes on safe.");
  const ends: Result[] = [];
  for (const run of resumed) {
    io.note(`Going on with ${run.id}`);
    const known = await viewRun(home, run.id);
    ends.push(await follow(io, home, run, { signal, answered: run.question, known }));
  }
  return {
    // The freeze is over either way; whoever asked wants to hear of a run that is held again.
    exit: Math.max(...ends.map((end) => end.exit)),
    json: { ...json, runs: ends.map((end) => end.json) },
    text: ends.map((end) => end.text).join("\n"),
  };
}

function bothWays(): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: "--all and --lift exclude each other",
    because: "one begins a freeze and the other ends it; nothing was changed",
    next: "lockstep freeze --help",
  });
}

function incomplete(because?: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: "freeze needs --all and --because, or --lift",
    because: "it stops every run of this installation, and the record keeps why",
    next: `lockstep freeze --all ${becauseFlag(because)}`,
  });
}
