import { describe, expect, it } from "vitest";
import { act } from "../../core/carry-out.ts";
import { done } from "../../core/outcome.ts";
import type { Step } from "../../core/step.ts";
import { stage } from "../../core/testing/stage.ts";
import { after } from "../../core/time.ts";
import { dead } from "./dead.ts";
import { deadFormer, endFormer } from "./end-former.ts";
import { proveEnded } from "./end-one.ts";
import { mint } from "./mint.ts";
import { restore, restoreVault } from "./restore.ts";
import { AT, copy, FACTS, only, scene } from "./testing/scene.ts";
import { tidy } from "./tidy.ts";

/** A step's first attempt, as the interpreter makes it: what came of it, and what was announced and done. */
async function carriedOut(step: Step, given: Parameters<typeof scene>[0]) {
  const { c, log } = scene(given);
  const s = stage({ ports: { context: () => c } });
  const acted = await act(step, { facts: FACTS, attempt: 1, journal: s.journal, ports: s.ports });
  return { acted, log: [...s.audit.map(({ action }) => action.replace(/.*\./, "")), ...log] };
}

describe("[P10] what is there already is found, and nothing is announced or sent", () => {
  const found = { acted: { is: "done", found: true, touched: false }, log: [] };

  it("where the former key is gone", async () => {
    expect(await carriedOut(only(endFormer), { listed: { 11111111: "dead" } })).toMatchObject(found);
  });

  it("where there is no duplicate", async () => {
    expect(await carriedOut(only(tidy), { tagged: [done(["22222222"])] })).toMatchObject(found);
  });

  it("where a copy, or the vault, holds the old value", async () => {
    expect(await carriedOut(restore(copy("app")).step, {})).toMatchObject(found);
    expect(await carriedOut(only(restoreVault(copy("vault"))), {})).toMatchObject(found);
  });
});

it("[P11] a mint looks first: what carries the tag of a run that announced nothing is of a newer database", async () => {
  const { acted, log } = await carriedOut(only(mint), { tagged: [done(["22222222"])] });
  expect(acted).toMatchObject({ is: "failed", trouble: { code: "RECORD_OLDER" }, touched: false });
  expect(log).toEqual(["owe key/older/22222222"]);
});

it("[P4] an end is shown again only after the issuer's propagation window", () => {
  const { snapshot } = scene({ snapshot: { propagationMs: 60_000 } }).c;
  for (const step of [dead, deadFormer, proveEnded])
    expect(only(step).waits?.(snapshot, FACTS)).toBe(after(AT, 60_000));
});

it("[P2] what was put back counts once the place itself proves the old value", async () => {
  const asked: unknown[] = [];
  const prove = async (...given: unknown[]) => {
    asked.push(given);
    return { is: "proved", at: AT, says: "read back" } as const;
  };
  const { c } = scene({ vault: { prove }, stores: { app: { prove } } });
  for (const step of [restore(copy("app")).step, only(restoreVault(copy("vault")))])
    expect(await step.proves?.(c, FACTS, "receipt")).toMatchObject({ is: "proved" });
  expect(asked).toEqual(Array(2).fill(["receipt", { token: "o" }]));
});
