import { beforeAll, describe, expect, it } from "vitest";
import { world } from "../flow/world.ts";
import { HEADINGS, PAGE, rowsUnder, writeRows } from "./document.ts";
import type { Trouble } from "./drive.ts";
import { BACK, type Place, THERE } from "./places.ts";
import { type Row, rowOf, rowOfSituation } from "./rows.ts";
import { SITUATIONS } from "./situations.ts";
import { met, sentences } from "./truth.ts";

const PLACES: readonly Place[] = [...THERE, ...BACK];
const UPDATE = process.env["LOCKSTEP_UPDATE_DOCS"] === "1";

type Table = Trouble | "situations";
/** The rows of each table, in their order. */
const NAMES = (table: Table): readonly string[] =>
  (table === "situations" ? SITUATIONS : PLACES).map(({ name }) => name);
const written = new Map<Table, Map<string, Row>>();

/** The row as it is, against the row as it is written; with LOCKSTEP_UPDATE_DOCS=1 the first is written. */
async function check(table: Table, row: Row): Promise<void> {
  written.set(table, (written.get(table) ?? new Map()).set(row.where, row));
  const heading = HEADINGS[table];
  const known = rowsUnder(heading).find(({ where }) => where === row.where);
  const says = `${PAGE}, "${heading}", row "${row.where}"; LOCKSTEP_UPDATE_DOCS=1 vitest run test/failures writes it`;
  if (!UPDATE) expect(known, says).toEqual(row);
}

const at = (trouble: Trouble) => async (place: Place) => check(trouble, await rowOf(place, trouble));

describe("what a person sees when something goes wrong", () => {
  describe("a vendor refuses", () => {
    it.each(PLACES)("[X-14][HK-11][P1][P3] $name", at("refuses"));
  });
  describe("a vendor does not answer", () => {
    it.each(PLACES)("[X-14][HK-11][HK-13][P1][P3] $name", at("silent"));
  });
  describe("the process dies", () => {
    it.each(PLACES)("[X-14][HK-11][P1][P3][P11] $name", at("dies"));
  });
  describe("a person cancels", () => {
    it.each(PLACES)("[X-14][HK-11][P1][P3] $name", at("cancels"));
  });
});

describe("other situations", () => {
  it.each(SITUATIONS)("[X-14][HK-11][P1][P2] $name", async (situation) =>
    check("situations", await rowOfSituation(situation)),
  );
});

describe("the tables", () => {
  beforeAll(() => {
    if (!UPDATE) return;
    for (const [table, rows] of written)
      writeRows(
        HEADINGS[table],
        NAMES(table).flatMap((name) => rows.get(name) ?? []),
      );
  });

  it("[X-14] have one row for each place, in the order of the plan, and say what is so", () => {
    for (const [table, heading] of Object.entries(HEADINGS)) {
      const rows = rowsUnder(heading);
      expect(rows.map(({ where }) => where)).toEqual(NAMES(table as Table));
      expect(JSON.stringify(rows)).not.toMatch(/depend|perhaps|""/);
    }
  });

  it("[X-14] leave out no step of the plan and none of the way back", async () => {
    const w = await world();
    const { steps, snapshot } = w.run().plan;
    const named = new Set(PLACES.map(({ step }) => step));
    const waves = snapshot.waves.map((wave) => wave.map(({ id }) => id));
    // One copy stands for the others of its wave.
    const stands = (prefix: string) =>
      waves.filter((wave) => wave.some((id) => named.has(`${prefix}/${id}`)));
    expect([stands("propagate"), stands("restore")]).toEqual([waves, waves]);
    const others = steps.map(({ id }) => id).filter((id) => !/^(propagate|restore)\//.test(id));
    expect(others.filter((id) => !named.has(id))).toEqual([]);
    expect(named).toContain("restore/vault");
    expect(named).toContain("end-new");
  });

  it("[X-15] have met every sentence in which `lockstep show` tells the state of a rotation", () => {
    expect(sentences.filter((one) => !met.has(one))).toEqual([]);
  });
});
