import type { StoreDescription } from "../core/adapter.ts";
import { sameFingerprints } from "../core/credential.ts";
import type { StoreCapabilities } from "../core/store.ts";
import { type Case, ensure } from "./case.ts";
import { pretence } from "./operation.ts";
import { samePlain, valuesOf } from "./plain.ts";
import { COPY, proveOn, type StoreStage, writeOn } from "./store-operations.ts";
import type { PlainValues } from "./supplied.ts";

/** A store in one world, with what it says of itself there. */
interface Told {
  readonly stage: StoreStage;
  readonly can: StoreCapabilities;
  readonly description: StoreDescription;
  /** More of the same vendor. */
  another(): Promise<StoreStage>;
}

type Claim = readonly [name: string, check: (told: Told) => Promise<void>];

const CLAIMS: readonly Claim[] = [
  ["describe: each field has a place", describesPlaces],
  ["read: what is there is shown, whoever put it there, and nothing where it cannot be read", readsTruly],
  ["observe: names the place by its immutable id", namesPlace],
  ["ready: says of the place what observe says", readyIsTrue],
  ["write: puts every field, and its receipt is true", writesAll],
  ["write: what is there already is not written again, where it can be read", comparesFirst],
  ["write: regardless of what is read, it is sent", sendsRegardless],
  ["atomicFields: where claimed, all fields change in one call", changesAtOnce],
  ["effectiveWhen: what is claimed to be in force at once is read back at once", inForceAtOnce],
  ["prove: what was written is proved", provesOwn],
  ["prove: what somebody else wrote since is not proved", provesNoOther],
  ["prove: what the vendor only pretended to write is not proved", provesNoPretence],
  ["grade: is no stronger than what can be read", gradeIsHonest],
  ["drained: what is at rest is drained", drains],
  ["survey: finds the declared place where it is claimed to", surveysTruly],
];

/** What a store says of itself, and the meaning of its operations. */
export function storeClaims(
  definition: {
    capabilities(config: unknown): StoreCapabilities;
    describe(config: unknown): StoreDescription;
  },
  another: () => Promise<StoreStage>,
): readonly Case[] {
  return CLAIMS.map(([name, check]) => ({
    name,
    async run() {
      const stage = await another();
      const { config } = stage.world;
      const [can, description] = [definition.capabilities(config), definition.describe(config)];
      await check({ stage, can, description, another });
    },
  }));
}

async function describesPlaces({ stage, description }: Told): Promise<void> {
  const fields = Object.keys(stage.world.held()).length;
  const { places } = description;
  ensure(places.length === fields && fields > 0, `${fields} places`, `${places.length}`);
  ensure(new Set(places).size === fields, "a place of its own for each field");
}

async function readsTruly({ stage, can }: Told): Promise<void> {
  const { world } = stage;
  const { adapter } = stage.open();
  const shows = async (plain: PlainValues) => {
    const seen = await adapter.observe();
    ensure(seen.is === "done", "observe to answer", seen.is);
    ensure(seen.value.present, "what is there to be seen as present");
    const { fingerprints } = seen.value;
    if (!can.read)
      return ensure(fingerprints === undefined, "no fingerprints of what is said not to be readable");
    const own = stage.fingerprint(valuesOf(plain));
    ensure(
      fingerprints !== undefined && sameFingerprints(fingerprints, own),
      "the fingerprints of what is there now",
    );
  };
  await shows(world.held());
  await writeOn(stage, { ...stage.open(), adapter });
  await world.pass(stage.settleMs);
  await shows(world.next);
  world.put(world.other);
  await world.pass(stage.settleMs);
  await shows(world.other);
}

async function namesPlace({ stage }: Told): Promise<void> {
  const seen = await stage.open().adapter.observe();
  ensure(seen.is === "done", "observe to answer", seen.is);
  ensure(seen.value.targetId === stage.world.targetId, "the immutable id of the place");
}

async function readyIsTrue({ stage }: Told): Promise<void> {
  const { adapter } = stage.open();
  const [ready, seen] = [await adapter.ready(), await adapter.observe()];
  ensure(ready.is === "done" && seen.is === "done", "a place at rest to be ready", ready.is);
  const { present, targetId, fingerprints, mayWrite, open } = ready.value;
  ensure(
    present === seen.value.present && targetId === seen.value.targetId,
    "the same place as observe sees",
  );
  const same = sameFingerprints(fingerprints ?? {}, seen.value.fingerprints ?? {});
  ensure(same, "the same fingerprints as observe sees");
  ensure(mayWrite === "yes" || open.length > 0, "words for what is not known about the right to write");
}

async function writesAll({ stage }: Told): Promise<void> {
  const { world } = stage;
  const receipt = await writeOn(stage);
  ensure(samePlain(world.held(), world.next), "every field to be there");
  ensure(receipt.wrote, "the receipt to say that it wrote");
  ensure(receipt.copy === COPY, "the receipt to name its copy");
  const own = stage.fingerprint(valuesOf(world.next));
  ensure(
    sameFingerprints(receipt.fingerprints, own),
    "the receipt to hold the fingerprints of what was written",
  );
}

async function comparesFirst({ stage, can }: Told): Promise<void> {
  const { world } = stage;
  const opened = stage.open();
  await writeOn(stage, opened);
  await world.pass(stage.settleMs);
  const before = opened.wire.exchanges.length;
  const changing = opened.wire.exchanges.filter(({ changed }) => changed);
  const second = await writeOn(stage, opened);
  ensure(samePlain(world.held(), world.next), "the same to be there after a second write");
  const later = opened.wire.exchanges.slice(before);
  const sent = later.some((one) =>
    changing.some(({ method, path }) => method === one.method && path === one.path),
  );
  if (can.read) {
    ensure(!second.wrote, "a receipt that says nothing was written");
    ensure(!sent, "nothing to be sent for a value that is there already");
  } else ensure(second.wrote === sent, "a receipt that says whether it wrote");
}

async function sendsRegardless({ stage }: Told): Promise<void> {
  const { world } = stage;
  const opened = stage.open();
  await writeOn(stage, opened);
  await world.pass(stage.settleMs);
  const changing = opened.wire.exchanges.filter(({ changed }) => changed);
  const before = opened.wire.exchanges.length;
  const again = await opened.adapter.write(valuesOf(world.next), { regardless: true });
  ensure(again.is === "done", "what is there already to be written again", again.is);
  const later = opened.wire.exchanges.slice(before);
  const sent = changing.every((one) =>
    later.some(({ method, path }) => method === one.method && path === one.path),
  );
  ensure(sent, "every field to be sent again");
  ensure(samePlain(world.held(), world.next), "the same to be there afterwards");
}

async function changesAtOnce({ stage, can }: Told): Promise<void> {
  if (!can.atomicFields || Object.keys(stage.world.next).length < 2) return;
  const opened = stage.open();
  await writeOn(stage, opened);
  const changes = opened.wire.exchanges.filter(({ changed }) => changed).length;
  ensure(changes === 1, "all fields to change in one call", `${changes} calls that changed some`);
}

async function inForceAtOnce({ stage, can }: Told): Promise<void> {
  if (can.effectiveWhen !== "at-once" || !can.read) return;
  const opened = stage.open();
  await writeOn(stage, opened);
  const seen = await opened.adapter.observe();
  const own = stage.fingerprint(valuesOf(stage.world.next));
  const shown = seen.is === "done" && sameFingerprints(seen.value.fingerprints ?? {}, own);
  ensure(shown, "the written value to be read back at once");
}

async function provesOwn({ stage }: Told): Promise<void> {
  const opened = stage.open();
  const proof = await proveOn(stage, opened.adapter, await writeOn(stage, opened));
  ensure(proof.is === "proved", "what was written to be proved", proof.is);
}

async function provesNoOther({ stage }: Told): Promise<void> {
  const { world } = stage;
  const opened = stage.open();
  const receipt = await writeOn(stage, opened);
  await world.pass(stage.settleMs);
  world.put(world.other);
  const proof = await proveOn(stage, opened.adapter, receipt);
  ensure(proof.is !== "proved", "what somebody else has replaced not to be proved");
}

/** A success without effect. */
async function provesNoPretence({ stage, another }: Told): Promise<void> {
  const [twin, rehearsal] = [await another(), await another()];
  const rehearsed = rehearsal.open();
  await writeOn(rehearsal, rehearsed);
  const opened = stage.open({ detour: pretence(twin.world, rehearsed.wire.exchanges) });
  const outcome = await opened.adapter.write(valuesOf(stage.world.next));
  if (outcome.is !== "done") return;
  const proof = await proveOn(stage, opened.adapter, outcome.value);
  ensure(proof.is !== "proved", "a write that did not happen not to be proved");
}

async function gradeIsHonest({ can }: Told): Promise<void> {
  ensure(can.grade !== "value" || can.read, "a proof by value only of what can be read");
  ensure(can.surveys !== "access" || can.read, "a survey of values only where they can be read");
}

async function drains({ stage }: Told): Promise<void> {
  const opened = stage.open();
  const receipt = await writeOn(stage, opened);
  await proveOn(stage, opened.adapter, receipt);
  const proof = await opened.adapter.drained(receipt);
  ensure(proof.is === "proved", "a place at rest to be drained", proof.is);
}

async function surveysTruly({ stage, can, description }: Told): Promise<void> {
  const found = await stage.open().adapter.survey();
  ensure(found.is === "done", "the survey to answer", found.is);
  if (can.surveys === "nothing")
    ensure(found.value.length === 0, "nothing from a survey that is not claimed");
  if (can.surveys !== "access") return;
  const own = Object.values(stage.fingerprint(valuesOf(stage.world.held()))).toSorted();
  const there = found.value.filter(({ place }) => description.places.includes(place));
  const shown = there.map(({ fingerprint }) => fingerprint ?? "").toSorted();
  ensure(shown.join() === own.join(), "the declared places with what they hold");
}
