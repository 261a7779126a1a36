import type { InterlockDefinition } from "../core/adapter.ts";
import type { Interlock } from "../core/interlock.ts";
import { stages } from "./bench.ts";
import type { Case } from "./case.ts";
import { casesOfDiscipline } from "./discipline.ts";
import { interlockClaims } from "./interlock-claims.ts";
import { INTERLOCK_OPERATIONS, type InterlockStage, observing, proving } from "./interlock-operations.ts";
import type { InterlockHarness, InterlockWorld } from "./supplied.ts";
import { leavesOpen } from "./unanswered.ts";
import { casesUnderFaults } from "./under-faults.ts";

/** What every interlock must do, checked on a simulated vendor: register each case with the test runner of your choice. */
export function testInterlock<Config, Client>(
  definition: Omit<InterlockDefinition<Config, Client>, "config">,
  harness: InterlockHarness<Config, Client>,
): readonly Case[] {
  const stage = stages<InterlockWorld<Config>, Interlock, Client>({
    harness,
    truth: (world) => JSON.stringify([world.position(), world.consulted()]),
    plains: ({ credential, headers = {}, beside = {} }) =>
      [credential, headers, beside].flatMap((fields) => Object.values(fields)),
    connect: ({ config }, deps) => definition.connect(config, deps),
  });
  return casesOf(definition as Omit<InterlockDefinition<unknown, unknown>, "config">, stage);
}

function casesOf(
  { capabilities }: Omit<InterlockDefinition<unknown, unknown>, "config">,
  stage: () => Promise<InterlockStage>,
): readonly Case[] {
  return [
    ...interlockClaims(capabilities, stage),
    ...(["closed", "open"] as const).flatMap((position) => [
      leavesOpen(
        `observe: where nothing counts as an answer, what is ${position} is neither`,
        observing(position),
        stage,
      ),
      leavesOpen(
        `prove: where nothing counts as an answer, what is ${position} is not proved`,
        proving(position),
        stage,
      ),
    ]),
    ...casesOfDiscipline(INTERLOCK_OPERATIONS, stage),
    ...casesUnderFaults(INTERLOCK_OPERATIONS, stage),
  ];
}
