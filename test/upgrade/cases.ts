import type { PlanRequest } from "../../src/app/snapshot.ts";
import type { Decision } from "../../src/core/circumstances.ts";
import type { Key } from "../../src/core/journal.ts";
import type { Flow } from "../../src/core/record.ts";
import { Secret } from "../../src/core/secret-value.ts";
import { instantOf } from "../../src/core/time.ts";
import { runTag } from "../../src/db/runs.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { INSTALLATION, SECRET } from "../flow/world.ts";
import type { Size } from "../simulation/case.ts";
import type { Stage } from "./stage.ts";
import { fingerprint } from "./values.ts";

type Asks = Pick<PlanRequest, "ending" | "follows">;

/** A run to be recorded. Once a release has recorded it, it stays as it is: what happens in here happens again to whoever goes on. */
export interface UpgradeCase {
  readonly runbook: string;
  readonly name: string;
  readonly size: Size;
  readonly flow: Flow;
  /** A person supplies the new credential. */
  readonly supplied?: true;
  /** What the plan is asked for besides. */
  asks?(stage: Stage): Asks;
  /** What has happened before. */
  before?(stage: Stage): void;
  /** What somebody does at a vendor as soon as an entry is recorded. */
  readonly happens?: Readonly<Record<Key, (stage: Stage) => void>>;
  /** What people decide where it is held. */
  readonly decisions?: readonly Decision["choice"][];
}

const APP = "raxx-api-prod";
const PROPAGATE = `propagate/heroku:${APP}:HEROKU_API_KEY`;
const HELD = `held/${PROPAGATE}/1/1/1`;

/** The release of an app fails, and the run is held for it; by the time somebody decides it is well again. */
const releaseFails: UpgradeCase["happens"] = {
  "store/prove/1": ({ sandbox }) =>
    sandbox.control.set({ apps: { [APP]: { releaseCommand: "migrate", releaseFails: true } } }),
  [HELD]: ({ sandbox }) => sandbox.control.set({ apps: { [APP]: { releaseFails: false } } }),
};

/** The new release crashes: that copy gets its old value back at once, and the run is held. */
const releaseCrashes: UpgradeCase["happens"] = {
  "store/prove/1": ({ sandbox }) =>
    void sandbox.control.act({
      act: "heroku.crashing",
      app: APP,
      while: "new value",
      variable: "HEROKU_API_KEY",
    }),
};

/** Somebody gives the new key less than it needs, so that it is refused before anything is written. */
function narrowed({ sandbox }: Stage): void {
  const id = sandbox.heroku.authorizations.at(-1)?.id ?? "";
  sandbox.control.act({ act: "edit-authorization", id, scope: ["read"] });
}

const FOLLOWED = `${SECRET}.rotate.1`;
const FOLLOWED_TAG = runTag(INSTALLATION, FOLLOWED);

/** A rotation whose request for a key was answered late has ended; the vault holds the key that it began with. */
function followsLateMint({ sandbox, timeline }: Stage): Asks {
  const token = Secret.of(sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "");
  const held = { id: RAXX.currentAuthorization, fingerprints: fingerprint({ token }) };
  const follows = { run: FOLLOWED, tag: FOLLOWED_TAG, mintedAt: instantOf(timeline.now()), held };
  return { follows };
}

/** The runs that a release records; between them they have every kind of journal entry. */
export const CASES: readonly UpgradeCase[] = [
  { runbook: "overlap@1", name: "carried out", size: "full", flow: "rotate" },
  {
    runbook: "overlap@1",
    name: "held",
    size: "lean",
    flow: "rotate",
    happens: releaseFails,
    decisions: ["settle", "break-glass", "retry"],
  },
  {
    runbook: "overlap@1",
    name: "rolled back",
    size: "lean",
    flow: "rotate",
    happens: releaseCrashes,
    decisions: ["rollback"],
  },
  {
    runbook: "overlap@1",
    name: "walked back",
    size: "bare",
    flow: "rotate",
    happens: { "mint/act/1": narrowed },
  },
  { runbook: "supplied@1", name: "old key works", size: "lean", flow: "rotate", supplied: true },
  {
    runbook: "supplied@1",
    name: "no living key",
    size: "bare",
    flow: "rotate",
    supplied: true,
    before: ({ sandbox }) =>
      void sandbox.control.act({ act: "delete-authorization", id: RAXX.currentAuthorization }),
  },
  {
    runbook: "revoke@1",
    name: "one ended",
    size: "bare",
    flow: "revoke",
    asks: () => ({ ending: { id: "73f5fe49-b802-4c5d-9e17-46d3a0c8f2b1" } }),
  },
  {
    runbook: "revoke@1",
    name: "glass broken",
    size: "bare",
    flow: "revoke",
    asks: () => ({
      ending: { id: RAXX.currentAuthorization, breakGlass: "it is on a public page" },
    }),
  },
  {
    runbook: "follow-up@1",
    name: "late duplicate",
    size: "bare",
    flow: "follow-up",
    asks: followsLateMint,
    before: ({ sandbox }) =>
      void sandbox.control.act({
        act: "create-authorization",
        description: `raxx-ci-rotation-2026-11 ${FOLLOWED_TAG}`,
        scope: ["global"],
      }),
  },
  { runbook: "test@1", name: "looked", size: "bare", flow: "test" },
];
