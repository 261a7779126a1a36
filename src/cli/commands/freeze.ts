import { liftFreeze, startFreeze } from "../../app/freezing.ts";
import { localActor } from "../../app/people.ts";
import { LockstepError } from "../../core/errors.ts";
import { withCarrier, withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";

interface FreezeOptions extends Common {
  readonly all: boolean;
  readonly lift: boolean;
  readonly because?: string;
}

/** `lockstep freeze`: stops all new effects at the next safe point, and lets the runs go on later. */
export function freeze(io: Io, options: FreezeOptions): Promise<Result> {
  return withHome(options, async (home) => {
    const actor = localActor(home.config);
    if (options.lift) {
      return withCarrier(io, home, async (carrier) => {
        const resumed = await liftFreeze(home, carrier.requests, actor);
        const text =
          resumed.length === 0
            ? "Effects may begin again. No run waited for it."
            : `Effects may begin again. Going on: ${resumed.join(", ")}\nnext  lockstep runs`;
        return { exit: EXIT.done, json: { frozen: false, resumed }, text };
      });
    }
    if (!options.all || options.because === undefined) throw incomplete();
    const frozen = await startFreeze(home, actor, options.because);
    const text = [
      `Frozen since ${frozen.at} by ${frozen.by.name}: ${frozen.reason}`,
      "What is being done is finished; no new effect begins. Runs are held at their next one.",
      "next  lockstep freeze --lift",
    ].join("\n");
    return { exit: EXIT.done, json: { frozen: true, ...frozen }, text };
  });
}

function incomplete(): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: "freeze needs --all and --because, or --lift",
    because: "it stops every run of this installation, and the record keeps why",
    next: 'lockstep freeze --all --because "why"',
  });
}
