import { z } from "zod";
import {
  type AdapterDeps,
  defineInterlock,
  done,
  type Interlock,
  type Outcome,
  outcomeOf,
  type Position,
  type Proof,
  type Standing,
  type Trouble,
  type Turn,
  unknown,
} from "../../adapter.ts";
import type { AcmeClient } from "./acme-client.ts";

type Deps = AdapterDeps<AcmeClient>;

/** The switch of Acme: readable, and seen by its gate a while after it was turned. */
export const acmeSwitch = defineInterlock({
  kind: "acme-switch",
  vendor: "acme",
  config: z.strictObject({ id: z.string() }),
  capabilities: { read: true, effectiveWhen: "on-release", grade: "behaviour" },
  describe: ({ id }) => ({ target: `acme ${id}` }),
  connect: (_config, deps: Deps): Interlock => ({
    observe: () => observe(deps),
    close: () => turn(deps, "closed"),
    open: () => turn(deps, "open"),
    prove: (position) => prove(deps, position),
  }),
});

async function observe({ client, clock }: Deps): Promise<Outcome<Standing>> {
  const lever = await client.lever();
  if (lever.is !== "done") return outcomeOf(lever);
  const is = meaning(lever.value.stands);
  if (is === "unknown") return unknown(jammed());
  return done({ at: clock.now(), is, targetId: lever.value.id });
}

async function turn({ client, clock }: Deps, to: Position): Promise<Outcome<Turn>> {
  const before = await client.lever();
  if (before.is !== "done") return outcomeOf(before);
  const found = meaning(before.value.stands);
  if (found === to) return done({ at: clock.now(), found, wrote: false });
  const turned = await client.turn(to);
  if (turned.is !== "done") return outcomeOf(turned);
  return done({ at: clock.now(), found, wrote: true });
}

/** What counts is not where the switch stands, but what the gate has seen of it. */
async function prove({ client, clock }: Deps, position: Position): Promise<Proof> {
  const [lever, gate] = [await client.lever(), await client.gate()];
  if (lever.is !== "done") return { is: "unknown", trouble: lever.trouble };
  if (gate.is !== "done") return { is: "unknown", trouble: gate.trouble };
  if (meaning(lever.value.stands) !== position) return { is: "refuted", trouble: unseen(position) };
  if (meaning(gate.value.seen) !== position) return { is: "unknown", trouble: unseen(position) };
  return { is: "proved", at: clock.now(), says: `The gate has seen the switch ${position}` };
}

function meaning(text: string): Position | "unknown" {
  return text === "open" || text === "closed" ? text : "unknown";
}

function jammed(): Trouble {
  return {
    code: "INTERLOCK_UNCLEAR",
    message: "The switch stands half-way",
    because: "that is neither open nor closed",
    next: "lockstep interlock status <interlock>    after you have looked at the switch",
  };
}

function unseen(position: Position): Trouble {
  return {
    code: "INTERLOCK_UNPROVED",
    message: `The gate has not seen the switch ${position}`,
    because: "what passes goes by what the gate has seen",
    next: "lockstep interlock status <interlock>",
  };
}
