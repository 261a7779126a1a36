import { sealingReady } from "../../src/sandbox/github/sealing.ts";
import type { Tree } from "./tree.ts";
import { type Hiding, shown, type ValueShape, valuesIn } from "./values.ts";

/** All that outlives a process, beside the journal: the vendors, our record, and what is under seal; and when it was so. */
export interface World {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Values included. */
  readonly vendors: Tree;
  readonly record: Tree;
  /** By the id of the sealed value, field by field. */
  readonly sealed: Tree;
}

/** A world as it may be written down: labels stand for values. `plain` is a value of the vault that is none. */
export function written({ at, vendors, record, sealed }: World, hides: Hiding, plain: string): Tree {
  hides.know(valuesIn(vendors, plain));
  return {
    at,
    vendors: hides.hidden(vendors),
    record: hides.hiddenFingerprints(record),
    sealed: hides.hidden(sealed),
  };
}

/** A world as it is to be lived in: made-up values stand for labels. */
export async function read(tree: Tree, shapes: readonly ValueShape[]): Promise<World> {
  await sealingReady();
  return shown(tree, shapes) as unknown as World;
}
