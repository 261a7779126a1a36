import { it } from "vitest";
import { BACK, THERE } from "./places.ts";
import { rowOf, stateOf } from "./rows.ts";

it("explores", async () => {
  const out: string[] = [];
  for (const trouble of ["refuses", "silent", "dies", "cancels"] as const)
    for (const place of [...THERE, ...BACK]) {
      const t = performance.now();
      const { row, met } = await rowOf(place, trouble);
      out.push(
        `${trouble} | ${Object.values(row).join(" | ")}  (${Math.round(performance.now() - t)} ms) ${met?.w.broken.length}`,
      );
      if (met) out.push("        " + stateOf(met));
    }
  console.log(out.join("\n"));
}, 600_000);
