import type { Issuer, Minted } from "../core/issuer.ts";
import { ensure } from "./case.ts";
import type { Operation, Result, Stage } from "./operation.ts";
import { valuesOf } from "./plain.ts";
import type { IssuerWorld, LivingCredential } from "./supplied.ts";

/** A fresh issuer's world with connections to it. */
export type IssuerStage = Stage<IssuerWorld<unknown>, Issuer>;
type IssuerOperation = Operation<IssuerWorld<unknown>, Issuer>;

/** What the suite's own credentials are tagged with. */
export const TAG = "lk-conformance-7f3a91";
/** What is asked for when the suite mints. */
export const INTENT = { tag: TAG, description: "lockstep conformance" };

/** Every operation of an issuer that its capabilities promise. */
export function issuerOperations({
  lists,
  tags,
}: {
  lists: boolean;
  tags: boolean;
}): readonly IssuerOperation[] {
  return [
    looking(
      "introspect",
      [401, 404],
      ({ present }) =>
        (issuer) =>
          issuer.introspect(valuesOf(present.values)),
    ),
    looking(
      "probe",
      [401, 404],
      ({ present }) =>
        (issuer) =>
          issuer.probe(valuesOf(present.values)),
    ),
    looking(
      "identify",
      [],
      ({ present }) =>
        (issuer) =>
          issuer.identify(valuesOf(present.values), { id: present.id }),
    ),
    MINT,
    afterMint("validate", "read", (issuer, { credential, values }) => issuer.validate(credential, values)),
    { ...afterMint("end", "write", (issuer, { credential }) => issuer.end(credential.id)) },
    ...(tags ? [afterMint("findByTag", "read", (issuer) => issuer.findByTag(TAG))] : []),
    ...(lists
      ? [
          looking("list", [], () => (issuer) => issuer.list()),
          looking(
            "isListed",
            [404],
            ({ present }) =>
              (issuer) =>
                issuer.isListed(present.id),
          ),
        ]
      : []),
  ];
}

function looking(
  name: string,
  deadBy: readonly number[],
  call: (world: IssuerWorld<unknown>) => (issuer: Issuer) => Promise<Result>,
): IssuerOperation {
  return {
    name,
    effect: "read",
    deadBy,
    prepare: async ({ world }) => ({ call: call(world) }),
  };
}

const MINT: IssuerOperation = {
  name: "mint",
  effect: "write",
  async prepare({ world }) {
    const before = idsOf(world);
    return {
      call: (issuer) => issuer.mint(INTENT),
      holds: (result) => {
        const born = idsOf(world).filter((id) => !before.includes(id));
        return (
          result.is === "done" && born.length === 1 && (result.value as Minted).credential.id === born[0]
        );
      },
    };
  },
};

function afterMint(
  name: string,
  effect: "read" | "write",
  call: (issuer: Issuer, minted: Minted) => Promise<Result>,
): IssuerOperation {
  return {
    name,
    effect,
    async prepare(stage) {
      const minted = await mintOn(stage);
      await stage.world.pass(stage.settleMs);
      const others = idsOf(stage.world).filter((id) => id !== minted.credential.id);
      const ready = { call: (issuer: Issuer) => call(issuer, minted) };
      if (effect === "read") return ready;
      return { ...ready, holds: () => idsOf(stage.world).join() === others.join() };
    },
  };
}

/** A credential of the suite's own, made on a connection without faults. */
export async function mintOn(stage: IssuerStage, opened = stage.open()): Promise<Minted> {
  const outcome = await opened.adapter.mint(INTENT);
  ensure(outcome.is === "done", "mint to succeed without faults", outcome.is);
  return outcome.value;
}

/** Ids of all that live, sorted. */
export function idsOf(world: { living(): readonly LivingCredential[] }): readonly string[] {
  return world
    .living()
    .map(({ id }) => id)
    .toSorted();
}
