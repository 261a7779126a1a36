import { askToCancel } from "../../app/decisions.ts";
import { localActor } from "../../app/people.ts";
import { viewRun } from "../../app/runs.ts";
import { follow, withCarrier, withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";

/** `lockstep cancel`: stops before the first store write and undoes what was done; docs/guide/cancel.md has each step. */
export function cancel(io: Io, options: Common, id: string): Promise<Result> {
  return withHome(options, (home) =>
    withCarrier(io, home, async (carrier, signal) => {
      const known = await askToCancel(home, carrier.requests, id, localActor(home.config));
      io.note(`${id} is asked to stop. ^C leaves it safe, and it still stops.`);
      const result = await follow(io, home, known.run, { signal, answered: known.run.question, known });
      const { status } = (await viewRun(home, id)).run;
      if (status === "cancelled") return { ...result, exit: EXIT.done };
      return status === "completed" ? { ...result, exit: EXIT.failed } : result;
    }),
  );
}
