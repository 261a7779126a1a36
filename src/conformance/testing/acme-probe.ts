import { z } from "zod";
import { type AdapterDeps, defineProbe, type Probe, type Proof } from "../../adapter.ts";
import type { AcmeClient } from "./acme-client.ts";

type Deps = AdapterDeps<AcmeClient>;

/** What the gate of Acme goes by. */
export const acmeGate = defineProbe({
  kind: "acme-gate",
  vendor: "acme",
  config: z.strictObject({ seen: z.enum(["open", "closed"]) }),
  capabilities: () => ({ refutes: true, ownShape: true }),
  describe: ({ seen }) => ({ target: `acme gate ${seen}` }),
  connect: ({ seen }, deps: Deps): Probe => ({ look: () => look(seen, deps) }),
});

async function look(wanted: string, { client, clock }: Deps): Promise<Proof> {
  const gate = await client.gate();
  if (gate.is !== "done") return { is: "unknown", trouble: gate.trouble };
  if (gate.value.seen === wanted) return { is: "proved", at: clock.now(), says: `The gate is ${wanted}` };
  return {
    is: "refuted",
    trouble: {
      code: "PROBE_REFUTED",
      message: `The gate is not ${wanted}`,
      because: "it says so itself",
      next: "lockstep interlock status <interlock>",
    },
  };
}
