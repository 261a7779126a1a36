import type { ProbeDefinition } from "../core/adapter.ts";
import type { Probe, ProbeCapabilities } from "../core/probe.ts";
import { stages } from "./bench.ts";
import { type Case, ensure } from "./case.ts";
import { casesOfDiscipline } from "./discipline.ts";
import type { Operation, Stage } from "./operation.ts";
import type { ProbeHarness, ProbeWorld } from "./supplied.ts";
import { leavesOpen } from "./unanswered.ts";
import { casesUnderFaults } from "./under-faults.ts";

type ProbeStage = Stage<ProbeWorld<unknown>, Probe>;
type ProbeOperation = Operation<ProbeWorld<unknown>, Probe>;

const LOOK: ProbeOperation = {
  name: "look",
  effect: "read",
  prepare: async () => ({ call: (probe) => probe.look() }),
};

/** The same where it is not so. */
const LOOK_OTHERWISE: ProbeOperation = {
  ...LOOK,
  prepare: async ({ world, settleMs }) => {
    world.put(false);
    await world.pass(settleMs);
    return { call: (probe) => probe.look() };
  },
};

/** What every probe must do, checked on a simulated place: register each case with the test runner of your choice. */
export function testProbe<Config, Client>(
  definition: Omit<ProbeDefinition<Config, Client>, "config">,
  harness: ProbeHarness<Config, Client>,
): readonly Case[] {
  const stage = stages<ProbeWorld<Config>, Probe, Client>({
    harness,
    truth: (world) => world.truth(),
    plains: ({ credential, headers = {}, beside = {} }) =>
      [credential, headers, beside].flatMap((fields) => Object.values(fields)),
    connect: ({ config }, deps) => definition.connect(config, deps),
  });
  return casesOf(definition as Omit<ProbeDefinition<unknown, unknown>, "config">, stage);
}

function casesOf(
  definition: Omit<ProbeDefinition<unknown, unknown>, "config">,
  stage: () => Promise<ProbeStage>,
): readonly Case[] {
  const claim = (name: string, check: (at: ProbeStage, can: ProbeCapabilities) => Promise<void>): Case => ({
    name,
    async run() {
      const at = await stage();
      await check(at, definition.capabilities(at.world.config));
    },
  });
  const unanswered = (name: string, look: ProbeOperation): Case => ({
    name,
    async run() {
      const { ownShape } = definition.capabilities((await stage()).world.config);
      await leavesOpen(name, look, stage, ({ plausible }) => ownShape || !plausible).run();
    },
  });
  return [
    claim("look: what is so is proved, as often as it is looked at", provesTruly),
    claim("refutes: what is not so is refuted where that is claimed, and never proved", refutesTruly),
    unanswered("look: nobody else's reply proves anything", LOOK),
    unanswered("look: nobody else's reply proves what is not so, or refutes it", LOOK_OTHERWISE),
    ...casesOfDiscipline([LOOK], stage),
    ...casesUnderFaults([LOOK], stage),
  ];
}

async function provesTruly(stage: ProbeStage): Promise<void> {
  const { adapter } = stage.open();
  for (const time of ["first", "second"]) {
    const proof = await adapter.look();
    ensure(proof.is === "proved", `what is so to be proved by the ${time} look`, proof.is);
    ensure(proof.says !== "", "words for what was seen");
  }
}

async function refutesTruly(stage: ProbeStage, { refutes }: ProbeCapabilities): Promise<void> {
  const { world, settleMs } = stage;
  const { adapter } = stage.open();
  world.put(false);
  await world.pass(settleMs);
  const otherwise = await adapter.look();
  ensure(otherwise.is !== "proved", "what is not so not to be proved");
  const claimed = refutes ? "refuted" : "unknown";
  ensure(otherwise.is === claimed, `what is not so to be ${claimed}`, otherwise.is);
  world.put(true);
  await world.pass(settleMs);
  const again = await adapter.look();
  ensure(again.is === "proved", "what is so again to be proved", again.is);
}
