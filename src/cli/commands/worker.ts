import { once } from "node:events";
import { startEngine } from "../../app/engine.ts";
import { openHome } from "../../app/home.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { whereOf } from "../where.ts";

/** `lockstep worker`: carries out runs of this database until it is told to stop. */
export async function worker(io: Io, options: Common): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const engine = await startEngine(home, "worker", ({ level, msg }) => io.note(`${level} ${msg}`));
    io.note(`Worker ${engine.executor} is ready. ^C hands back what it has not finished.`);
    const stop = new AbortController();
    await Promise.race([once(process, "SIGINT", stop), once(process, "SIGTERM", stop)]);
    stop.abort();
    await engine.close();
    return { exit: EXIT.done, json: { executor: engine.executor }, text: "" };
  } finally {
    await home.close();
  }
}
