import { describe, expect, it } from "vitest";
import { done, type Outcome, refused, unknown } from "./outcome.ts";
import type { CopySnapshot } from "./snapshot.ts";
import type { StepContext } from "./step.ts";
import type { Holding, Observation } from "./store.ts";
import { type Closeness, surveysOf, sweep } from "./sweep.ts";
import { TROUBLE } from "./testing/stage.ts";

const AT = "2026-11-21T08:30:00.000Z";
const copy = (id: string, surveys: string, connection = "one", kind = "kind", surveyed?: string) =>
  ({
    id,
    kind,
    connection,
    places: [`place of ${id}`],
    capabilities: { surveys },
    ...(surveyed !== undefined && { surveyed }),
  }) as unknown as CopySnapshot;

interface Place {
  readonly ready?: Outcome<unknown>;
  readonly observe?: Outcome<unknown>;
  readonly survey?: Outcome<readonly Holding[]>;
}

/** A look at a vault, an app and CI; each place answers with its own name. `within`: where the vault's look ends, and the app's. */
function look(
  closeness: Closeness,
  places: Readonly<Record<string, Place>>,
  more: object = {},
  within: readonly string[] = [],
) {
  const store = (id: string) => ({
    ready: async () => places[id]?.ready ?? done({ at: AT, targetId: `${id} ready` }),
    observe: async () => places[id]?.observe ?? done({ at: AT, targetId: `${id} holds` }),
    survey: async () => places[id]?.survey ?? done([]),
  });
  const vault = { ...store("vault"), openApprovals: async () => done(["request 7"]), ...more };
  const snapshot = {
    vault: copy("vault", "access", "vault", "kind", within[0]),
    waves: [[copy("app", "access", "apps", "kind", within[1])], [copy("ci", "copy", "ci")]],
  };
  const c = { snapshot, vault, store, configured: async () => ["configured"], now: () => AT };
  return sweep(c as unknown as StepContext, closeness);
}

const shown = (observation: Observation | undefined) => observation?.targetId;

describe("[P2] a sweep", () => {
  it("looks at every place, as closely as it is asked to", async () => {
    for (const [closeness, word] of [
      ["ready", "ready"],
      ["holds", "holds"],
    ] as const) {
      const seen = await look(closeness, {});
      if (seen.is !== "done") throw new Error("it was not done");
      expect(shown(seen.value.vault)).toBe(`vault ${word}`);
      expect(Object.entries(seen.value.copies).map(([id, one]) => [id, shown(one)])).toEqual([
        ["app", `app ${word}`],
        ["ci", `ci ${word}`],
      ]);
      expect(seen.value).toMatchObject({
        begunAt: AT,
        unseen: {},
        approvals: ["request 7"],
        configured: ["configured"],
      });
    }
  });

  it("says what it could not see, and does not count it as seen", async () => {
    const seen = await look("ready", { vault: { ready: unknown(TROUBLE) }, ci: { ready: unknown(TROUBLE) } });
    expect(seen).toMatchObject({
      is: "done",
      value: { vault: undefined, unseen: { vault: "broken", ci: "broken" }, copies: { app: {} } },
    });
    expect(seen).not.toHaveProperty("value.copies.ci");
    const approvals = await look("ready", {}, { openApprovals: async () => unknown(TROUBLE) });
    expect(approvals).toMatchObject({ value: { approvals: undefined } });
  });

  it("[X-13] is over where a place is not ready any more; a place that only cannot be seen so is not", async () => {
    const places = { app: { ready: refused(TROUBLE), observe: refused(TROUBLE) } };
    expect(await look("ready", places)).toEqual(refused(TROUBLE));
    expect(await look("holds", places)).toMatchObject({ is: "done", value: { unseen: { app: "broken" } } });
  });

  it("[DR-15] looks around each place, leaves out what is declared, and says where it could not", async () => {
    const survey = done([
      { place: "place of app", fingerprint: "a" },
      { place: "elsewhere", fingerprint: "b" },
    ]);
    expect(await look("holds", { app: { survey }, ci: { survey: unknown(TROUBLE) } })).toMatchObject({
      value: { elsewhere: [{ place: "elsewhere" }], unseen: { "survey of ci": "broken" } },
    });
    const coming = done(
      [{ place: "place of app" }, { place: "elsewhere" }].map((one) => ({ ...one, underWay: "soon" })),
    );
    expect(await look("holds", { app: { survey: coming } })).toMatchObject({
      value: { elsewhere: [{ place: "elsewhere (soon)" }] },
    });
    const namesakes = done(
      ["place of vault", "place of app", "elsewhere"].map((place) => ({ place, fingerprint: "a" })),
    );
    const two = await look("holds", { app: { survey: namesakes } }, {}, ["A", "B"]);
    expect(two).toMatchObject({
      value: { elsewhere: [{ place: "place of vault (in B)" }, { place: "elsewhere" }] },
    });
    const seen = await look("holds", { app: { survey } });
    expect(seen).toMatchObject({ value: { elsewhere: [{ place: "elsewhere", fingerprint: "b" }] } });
    expect(seen.is === "done" && seen.value.elsewhere).toHaveLength(1);
  });
});

describe("surveys", () => {
  it("are made once for each access, for each copy that looks about itself, and not twice for the same look", () => {
    const places = [
      copy("vault", "access", "a"),
      copy("second", "access", "a"),
      copy("other kind", "access", "a", "other"),
      copy("blind", "nothing", "b"),
      copy("first about itself", "copy", "c"),
      copy("second about itself", "copy", "c"),
    ];
    expect(surveysOf(places, "holds")).toEqual([0, 2, 4, 5]);
    expect(surveysOf(places, "ready")).toEqual([0, 2]);
  });

  it("[DR-15] are made once for each project, where they are confined to one", () => {
    const places = ["one", "two", "one"].map((project) => copy("any", "access", "a", "kind", project));
    expect(surveysOf(places, "ready")).toEqual([0, 1]);
  });
});
