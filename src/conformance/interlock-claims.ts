import type { InterlockCapabilities, Position } from "../core/interlock.ts";
import { type Case, ensure } from "./case.ts";
import { FAULTS } from "./faults.ts";
import { type InterlockStage, proveOn, set, turnOn } from "./interlock-operations.ts";
import { type Opened, pretence } from "./operation.ts";

/** An interlock in one world, with what it says of itself. */
interface Told {
  readonly stage: InterlockStage;
  readonly can: InterlockCapabilities;
  /** More of the same vendor. */
  another(): Promise<InterlockStage>;
}

type Claim = readonly [name: string, check: (told: Told) => Promise<void>];

const CLAIMS: readonly Claim[] = [
  ["read: where it stands is shown, whoever set it, and nothing where it cannot be read", readsTruly],
  ["read: what means neither is neither closed nor open", readsNeither],
  ["observe: names the place by its immutable id", namesPlace],
  ["close, open: turned once; where it stands so already, nothing is sent", turnsOnce],
  ["found: tells where it stood before, also where somebody else had set it", findsTruly],
  ["found: is unknown where it stood neither way, and it closes all the same", findsNeither],
  [
    "close, open: after a lost reply, looking tells where it stands, and turning it again settles it",
    settles,
  ],
  ["prove: is given once what consults it sees it", provesOwn],
  ["prove: is not given while only the place holds it", provesNotBefore],
  ["prove: one position is no proof of the other", provesNoOther],
  ["prove: what somebody else has set otherwise since is not proved", provesNoLonger],
  ["prove: what the vendor only pretended to turn is not proved", provesNoPretence],
  ["effectiveWhen: what is claimed to be in force at once is seen at once", inForceAtOnce],
  ["grade: is no stronger than what can be read", gradeIsHonest],
];

const BOTH = ["closed", "open"] as const;

/** What an interlock says of itself, and the meaning of its operations. */
export function interlockClaims(
  can: InterlockCapabilities,
  another: () => Promise<InterlockStage>,
): readonly Case[] {
  return CLAIMS.map(([name, check]) => ({
    name,
    run: async () => check({ stage: await another(), can, another }),
  }));
}

async function readsTruly({ stage, can }: Told): Promise<void> {
  const { adapter } = stage.open();
  const shows = async (position: Position) => {
    const seen = await adapter.observe();
    if (!can.read)
      return ensure(seen.is === "unknown", "no position of what is said not to be readable", seen.is);
    ensure(seen.is === "done", "observe to answer", seen.is);
    ensure(seen.value.is === position, `it to be seen ${position}`, seen.value.is);
  };
  await shows("open");
  await turnOn(stage, "closed", { adapter });
  await shows("closed");
  await set(stage, "open");
  await shows("open");
  await set(stage, "closed");
  await shows("closed");
}

async function readsNeither({ stage }: Told): Promise<void> {
  const { world, settleMs } = stage;
  if (world.jam === undefined) return;
  world.jam();
  await world.pass(settleMs);
  const { adapter } = stage.open();
  const seen = await adapter.observe();
  ensure(seen.is !== "done", "what means neither to have no position", "one");
  for (const position of BOTH) {
    const proof = await adapter.prove(position);
    ensure(proof.is !== "proved", `what means neither not to be proved ${position}`);
  }
}

async function namesPlace({ stage, can }: Told): Promise<void> {
  const seen = await stage.open().adapter.observe();
  if (!can.read) return;
  ensure(seen.is === "done", "observe to answer", seen.is);
  ensure(seen.value.targetId === stage.world.targetId, "the immutable id of the place");
}

async function turnsOnce({ another, can }: Told): Promise<void> {
  for (const to of BOTH) {
    const stage = await another();
    await set(stage, otherThan(to));
    const opened = stage.open();
    const first = await turnOn(stage, to, opened);
    ensure(stage.world.position() === to, `it to be ${to}`, stage.world.position());
    ensure(first.wrote, "the first to say that it wrote");
    const seen = await stage.open().adapter.observe();
    const [made, told] = [first.version, seen.is === "done" ? seen.value.version : undefined];
    const same = made === undefined || told === undefined || made === told;
    ensure(same, "observe to name the version of the turn that made it so", "another");
    const before = opened.wire.exchanges.length;
    // At once, and when it is in force.
    for (const wait of [0, stage.settleMs]) {
      await stage.world.pass(wait);
      const second = await turnOn(stage, to, opened);
      ensure(stage.world.position() === to, `it to stay ${to}`, stage.world.position());
      const sent = sentAgain(opened, before);
      ensure(second.wrote === sent, "the second to say whether it wrote");
      ensure(!can.read || !sent, `nothing to be sent to what is ${to} already`);
    }
  }
}

async function findsTruly({ another, can }: Told): Promise<void> {
  for (const stood of BOTH)
    for (const to of BOTH) {
      const stage = await another();
      await set(stage, stood);
      const { found, wrote } = await turnOn(stage, to);
      const wanted = can.read ? stood : "unknown";
      ensure(found === wanted, `${wanted} to be what was found`, found);
      ensure(!can.read || wrote === (stood !== to), "it to write only what does not stand there");
      ensure(stage.world.position() === to, `it to be ${to}`, stage.world.position());
    }
}

async function findsNeither({ stage }: Told): Promise<void> {
  const { world, settleMs } = stage;
  if (world.jam === undefined) return;
  world.jam();
  await world.pass(settleMs);
  const { found, wrote } = await turnOn(stage, "closed");
  ensure(found === "unknown", "what was found to be unknown", found);
  ensure(wrote && world.position() === "closed", "it to be closed", world.position());
}

/** Whatever a reply was lost on: a look tells what is so, and what has happened is not sent again. */
async function settles({ another, can }: Told): Promise<void> {
  const lost = FAULTS.filter(({ family }) => family === "lost");
  for (const to of BOTH) {
    const rehearsal = await another();
    await set(rehearsal, otherThan(to));
    const rehearsed = rehearsal.open();
    await turnOn(rehearsal, to, rehearsed);
    for (const [fault, at] of lost.flatMap((one) =>
      rehearsed.wire.exchanges.map((_, call) => [one, call] as const),
    )) {
      const stage = await another();
      const { world, settleMs } = stage;
      await set(stage, otherThan(to));
      const { adapter } = stage.open({ placed: { at, fault } });
      await (to === "closed" ? adapter.close() : adapter.open());
      const landed = world.position() === to;
      const again = stage.open();
      const seen = await again.adapter.observe();
      const told = seen.is === "done" && seen.value.is === world.position();
      ensure(told || !can.read, `observe to tell where it stands after a ${fault.name}`, seen.is);
      const looked = again.wire.exchanges.length;
      const second = await turnOn(stage, to, again);
      ensure(world.position() === to, `it to be ${to} in the end after a ${fault.name}`);
      const changed = again.wire.exchanges.slice(looked).some((one) => one.changed);
      ensure(changed === !landed, "to be sent again only what did not happen");
      ensure(!can.read || second.wrote === !landed, "the second to say whether it wrote");
      await world.pass(settleMs);
    }
  }
}

async function provesOwn({ another }: Told): Promise<void> {
  for (const position of BOTH) {
    const stage = await another();
    await set(stage, otherThan(position));
    const opened = stage.open();
    await turnOn(stage, position, opened);
    const proof = await proveOn(stage, opened.adapter, position);
    ensure(proof.is === "proved", `it to be proved ${position}`, proof.is);
    const seen = stage.world.consulted();
    ensure(seen === position, `the harness to show that what consults it sees it ${position}`, seen);
  }
}

/** In small steps until what consults it sees it. */
async function provesNotBefore({ another, can }: Told): Promise<void> {
  for (const position of BOTH) {
    const stage = await another();
    const { world, settleMs } = stage;
    await set(stage, otherThan(position));
    const { adapter } = stage.open();
    await turnOn(stage, position, { adapter });
    const late = world.consulted() !== position;
    ensure(late || can.effectiveWhen === "at-once", "the harness to show what takes its time");
    for (let step = 0; step < 50 && world.consulted() !== position; step += 1) {
      const proof = await adapter.prove(position);
      ensure(proof.is !== "proved", `it not to be proved ${position} before what consults it sees that`);
      await world.pass(settleMs / 50);
    }
  }
}

async function provesNoOther({ another }: Told): Promise<void> {
  for (const position of BOTH) {
    const stage = await another();
    await set(stage, position);
    const proof = await stage.open().adapter.prove(otherThan(position));
    ensure(proof.is !== "proved", `what is ${position} not to be proved ${otherThan(position)}`);
  }
}

async function provesNoLonger({ another }: Told): Promise<void> {
  for (const position of BOTH) {
    const stage = await another();
    await set(stage, otherThan(position));
    const opened = stage.open();
    await turnOn(stage, position, opened);
    await proveOn(stage, opened.adapter, position);
    await set(stage, otherThan(position));
    const proof = await proveOn(stage, opened.adapter, position);
    ensure(proof.is !== "proved", `what somebody else has set otherwise not to be proved ${position}`);
  }
}

/** A success without effect. */
async function provesNoPretence({ stage, another }: Told): Promise<void> {
  const [twin, rehearsal] = [await another(), await another()];
  const rehearsed = rehearsal.open();
  await turnOn(rehearsal, "closed", rehearsed);
  const opened = stage.open({ detour: pretence(twin.world, rehearsed.wire.exchanges) });
  const outcome = await opened.adapter.close();
  if (outcome.is !== "done") return;
  const proof = await proveOn(stage, opened.adapter, "closed");
  ensure(proof.is !== "proved", "what did not happen not to be proved");
}

async function inForceAtOnce({ stage, can }: Told): Promise<void> {
  if (can.effectiveWhen !== "at-once") return;
  await turnOn(stage, "closed");
  const seen = stage.world.consulted();
  ensure(seen === "closed", "what consults it to see it at once", seen);
}

async function gradeIsHonest({ can }: Told): Promise<void> {
  ensure(can.grade !== "value" || can.read, "a proof by value only of what can be read");
}

function otherThan(position: Position): Position {
  return position === "closed" ? "open" : "closed";
}

/** Whether what turned it the first time was sent once more. */
function sentAgain({ wire }: Opened<unknown>, before: number): boolean {
  const changing = wire.exchanges.slice(0, before).filter(({ changed }) => changed);
  return wire.exchanges
    .slice(before)
    .some((one) => changing.some(({ method, path }) => method === one.method && path === one.path));
}
