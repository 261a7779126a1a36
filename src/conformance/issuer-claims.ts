import type { IssuerDefinition } from "../core/adapter.ts";
import { type Case, ensure } from "./case.ts";
import { INTENT, type IssuerStage, idsOf, mintOn, TAG } from "./issuer-operations.ts";
import { valuesOf } from "./plain.ts";
import type { LivingCredential } from "./supplied.ts";

type Definition = Pick<IssuerDefinition<unknown, unknown>, "capabilities" | "describe" | "fields">;
type Description = (config: unknown) => { readonly account: string };
type Claim = readonly [name: string, check: (stage: IssuerStage) => Promise<void>];

/** What an issuer says of itself, and the meaning of its operations. */
export function issuerClaims(definition: Definition, stage: () => Promise<IssuerStage>): readonly Case[] {
  const { lists, tags, identifies, overlap } = definition.capabilities;
  const claims: readonly Claim[] = [
    ["mint: creates exactly one credential, which lives", (stage) => mintsOne(stage, definition.fields)],
    ["validate: proves the new value, and never another", validates],
    ["identify: names the value's own credential, and none where it cannot be told", identifiesExactly],
    ["end: ends exactly that id, and is done when it is called again", endsExactly],
    ["end: a part of an id, or something added to one, ends nothing", endsNoOther],
    ["liveness: what was ended is dead", deadIsDead],
    ["liveness: what never lived is not alive", strangersAreNotAlive],
    ...(overlap === "none" ? [] : ([["overlap: old and new live side by side", overlaps]] as const)),
    ...(lists ? ([["lists: what lives is listed, and nothing else is", listsTruly]] as const) : []),
    tags
      ? ["tags: the tag finds what carries it, and nothing else", findsByTag]
      : ["tags: without tags nothing is said to be absent", claimsNoAbsence],
    ...(identifies
      ? ([
          [
            "identifies: the account of a value is named",
            (stage: IssuerStage) => namesAccount(stage, definition.describe),
          ],
        ] as const)
      : []),
  ];
  return claims.map(([name, check]) => ({ name, run: async () => check(await stage()) }));
}

async function mintsOne(stage: IssuerStage, declared: readonly string[]): Promise<void> {
  const { world } = stage;
  const before = idsOf(world);
  const opened = stage.open();
  const { credential, values } = await mintOn(stage, opened);
  const born = idsOf(world).filter((id) => !before.includes(id));
  ensure(born.length === 1, "one new credential", `${born.length}`);
  ensure(credential.id === born[0], "its id in the answer", "another id");
  const fields = Object.keys(world.present.values).toSorted().join();
  ensure(Object.keys(values).toSorted().join() === fields, `the fields ${fields}`);
  ensure(declared.toSorted().join() === fields, `the fields ${fields} to be declared`);
  await world.pass(stage.settleMs);
  const found = await opened.adapter.introspect(values);
  ensure(found.is === "alive", "the new value to be alive", found.is);
}

async function validates(stage: IssuerStage): Promise<void> {
  const opened = stage.open();
  const minted = await mintOn(stage, opened);
  await stage.world.pass(stage.settleMs);
  const own = await opened.adapter.validate(minted.credential, minted.values);
  ensure(own.is === "proved", "the new value to be proved valid", own.is);
  for (const plain of [stage.world.present.values, stage.world.stranger]) {
    const other = await opened.adapter.validate(minted.credential, valuesOf(plain));
    ensure(other.is !== "proved", "another value not to be proved valid for the new credential");
  }
}

async function identifiesExactly(stage: IssuerStage): Promise<void> {
  const { present, stranger } = stage.world;
  const { adapter } = stage.open();
  const values = valuesOf(present.values);
  const own = await adapter.identify(values, { id: present.id });
  ensure(own.is === "done" && own.value.id === present.id, "the present credential", own.is);
  const free = await adapter.identify(values, undefined);
  ensure(free.is !== "done" || free.value.id === present.id, "no other credential for the present value");
  const unknown = await adapter.identify(valuesOf(stranger), undefined);
  ensure(unknown.is === "refused", "a value that was never issued to be refused", unknown.is);
  const wrong = await adapter.identify(values, { id: otherOf(stage).id });
  ensure(wrong.is === "refused", "a record that names another credential to be refused", wrong.is);
}

async function endsExactly(stage: IssuerStage): Promise<void> {
  const opened = stage.open();
  const { credential } = await mintOn(stage, opened);
  const others = idsOf(stage.world).filter((id) => id !== credential.id);
  for (const time of ["first", "second"]) {
    const ended = await opened.adapter.end(credential.id);
    ensure(ended.is === "done", `the ${time} end to be done`, ended.is);
    ensure(idsOf(stage.world).join() === others.join(), "that credential to be gone, and only that one");
  }
}

async function endsNoOther(stage: IssuerStage): Promise<void> {
  const { credential } = await mintOn(stage);
  const { id } = credential;
  const before = stage.truth();
  for (const wrong of [id.slice(0, 8), id.slice(0, -1), `${id}0`, id.slice(1), "", "~", "*", ".", "../"]) {
    // Whether it is refused or nothing of that name is there: what counts is that all live on.
    await stage.open().adapter.end(wrong);
    ensure(stage.truth() === before, "nothing to be ended by what is not an id in full");
  }
}

async function deadIsDead(stage: IssuerStage): Promise<void> {
  const opened = stage.open();
  const { credential, values } = await mintOn(stage, opened);
  const ended = await opened.adapter.end(credential.id);
  ensure(ended.is === "done", "the end to be done", ended.is);
  await stage.world.pass(stage.settleMs);
  const seen = await opened.adapter.probe(values);
  ensure(seen.is === "dead", "probe to find the ended value dead", seen.is);
  const found = await opened.adapter.introspect(values);
  ensure(found.is === "dead", "introspect to find the ended value dead", found.is);
}

async function strangersAreNotAlive(stage: IssuerStage): Promise<void> {
  const { adapter } = stage.open();
  const stranger = valuesOf(stage.world.stranger);
  const [seen, found] = [await adapter.probe(stranger), await adapter.introspect(stranger)];
  ensure(seen.is !== "alive", "probe not to find a value alive that was never issued");
  ensure(found.is !== "alive", "introspect not to find a value alive that was never issued");
}

async function overlaps(stage: IssuerStage): Promise<void> {
  const { adapter } = stage.open();
  const { values } = await mintOn(stage);
  await stage.world.pass(stage.settleMs);
  for (const [which, each] of [
    ["old", valuesOf(stage.world.present.values)],
    ["new", values],
  ] as const) {
    const seen = await adapter.probe(each);
    ensure(seen.is === "alive", `the ${which} value to be alive beside the other`, seen.is);
  }
}

async function listsTruly(stage: IssuerStage): Promise<void> {
  const opened = stage.open();
  const { credential } = await mintOn(stage, opened);
  const list = await opened.adapter.list();
  ensure(list.is === "done", "the list", list.is);
  const listed = list.value.map(({ id }) => id).toSorted();
  const missing = idsOf(stage.world).filter((id) => !listed.includes(id));
  ensure(missing.length === 0, "all that live to be listed", `${missing.length} missing`);
  const there = await opened.adapter.isListed(credential.id);
  ensure(there.is === "alive", "a living id to be listed", there.is);
  await opened.adapter.end(credential.id);
  const gone = await opened.adapter.isListed(credential.id);
  ensure(gone.is === "dead", "an ended id to be listed no more", gone.is);
  const part = await opened.adapter.isListed(stage.world.present.id.slice(0, -1));
  ensure(part.is !== "alive", "a part of an id not to count as listed");
}

async function findsByTag(stage: IssuerStage): Promise<void> {
  const opened = stage.open();
  const before = await tagged(stage, TAG);
  ensure(before.length === 0, "nothing of the tag before it is used");
  const { credential } = await mintOn(stage, opened);
  const found = await tagged(stage, TAG);
  ensure(found.join() === credential.id, "exactly the new credential by its tag", `${found.length} found`);
  for (const other of [TAG.slice(0, -1), TAG.slice(1), `${TAG}0`, ""]) {
    const none = await tagged(stage, other);
    ensure(none.length === 0, "nothing by a tag that is only like it", `${none.length} found`);
  }
}

async function tagged(stage: IssuerStage, tag: string): Promise<readonly string[]> {
  const found = await stage.open().adapter.findByTag(tag);
  ensure(found.is === "done", "findByTag to answer", found.is);
  return found.value.map(({ id }) => id);
}

async function claimsNoAbsence(stage: IssuerStage): Promise<void> {
  await mintOn(stage);
  const found = await stage.open().adapter.findByTag(INTENT.tag);
  ensure(
    found.is !== "done" || found.value.length > 0,
    "findByTag not to say that nothing is there",
    "an empty list",
  );
}

async function namesAccount(stage: IssuerStage, describe: Description): Promise<void> {
  const { present, config } = stage.world;
  const declared = describe(config).account;
  const found = await stage.open().adapter.introspect(valuesOf(present.values));
  ensure(found.is === "alive", "the present value to be alive", found.is);
  ensure(declared !== "" && found.account === declared, "the account that the configuration describes");
  const { credential } = await mintOn(stage);
  ensure(credential.account === declared, "the new credential to name the same account");
}

function otherOf({ world }: IssuerStage): LivingCredential {
  const other = world.living().find(({ id }) => id !== world.present.id);
  ensure(other !== undefined, "the harness to have another living credential beside the present one");
  return other;
}
