import { followingSnapshot } from "../../src/app/follow-up.ts";
import { runbookFor } from "../../src/app/runbooks.ts";
import { type PlanRequest, snapshotOf } from "../../src/app/snapshot.ts";
import type { Fingerprints, Generation } from "../../src/core/credential.ts";
import { compile, type Plan } from "../../src/core/plan.ts";
import { Secret, type Values } from "../../src/core/secret-value.ts";
import { copiesOf, type Followed } from "../../src/core/snapshot.ts";
import { instantOf } from "../../src/core/time.ts";
import { runTag } from "../../src/db/runs.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import { INSTALLATION, SECRET } from "../flow/world.ts";
import type { Ground } from "./estate.ts";
import { KEY } from "./truth.ts";

/** What a run starts from. */
export interface Situation {
  readonly plan: Plan;
  /** What the vault holds at the beginning. */
  readonly canonical: string;
  /** Credentials that may be ended; besides them only what carries the tag of a run. */
  readonly mayEnd: readonly string[];
  /** The tag of a run that has ended before. */
  readonly formerTag?: string;
  /** A person has asked for an end at any price. */
  readonly glass?: true;
  /** What comes besides, so many milliseconds after the beginning. */
  readonly later: readonly { readonly afterMs: number; happens(): void }[];
  /** Another run that is begun so many milliseconds after this one. */
  readonly beside?: { readonly afterMs: number; readonly plan: Plan };
}

/** Where a situation is set up. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly ground: Ground;
  readonly fingerprint: (values: Values) => Fingerprints;
  /** Our own time. */
  readonly now: number;
}

const OLD = RAXX.currentAuthorization;
/** A key that no copy holds. */
const UNUSED = RAXX.unusedAuthorization;
const ACCOUNT = "kris@moosequest.net";
const MINUTE = 60_000;

type Prepare = (stage: Stage) => Situation;

/** Each runbook, and after a stroke the situation in which it is carried out, where there are several. */
const SITUATIONS: Readonly<Record<string, Prepare>> = {
  "overlap@1": (stage) => rotation(stage, {}),
  "overlap@1/compromised": (stage) => rotation(stage, { reason: "compromise" }),
  "overlap@1/by-hand": (stage) => rotation(stage, {}),
  "supplied@1": (stage) => rotation(stage, { supplied: true }),
  "supplied@1/keyless": (stage) => {
    stage.sandbox.control.act({ act: "delete-authorization", id: OLD });
    return rotation(stage, { supplied: true });
  },
  "revoke@1/unused": (stage) => revocation(stage, UNUSED),
  "revoke@1/previous": (stage) => {
    stage.memory.generations.push(generationOf(stage, UNUSED, "previous"));
    return revocation(stage, UNUSED);
  },
  "revoke@1/in-use": (stage) => ({ ...revocation(stage, OLD), mayEnd: [] }),
  "revoke@1/glass": (stage) => ({ ...revocation(stage, OLD, "leaked in a log"), glass: true }),
  "follow-up@1": (stage) => following(stage, "completed"),
  "follow-up@1/walked-back": (stage) => following(stage, "walked back"),
  "follow-up@1/beside": (stage) => {
    // None between the looks at 2 and at 15 minutes: a rotation does not begin while one is there.
    const situation = following(stage, "completed", [1, 600]);
    const plan = planOf(stage, { flow: "rotate", reason: "scheduled" });
    return {
      ...situation,
      mayEnd: [situation.canonical],
      beside: { afterMs: 14 * MINUTE, plan },
    };
  },
  "test@1": (stage) => ({
    plan: planOf(stage, { flow: "test", reason: "scheduled" }),
    canonical: OLD,
    mayEnd: [],
    later: [],
  }),
};

/** All that is attacked. */
export const ATTACKED: readonly string[] = Object.keys(SITUATIONS);

/** Those of a runbook, or the one that is named. */
export function situationsOf(name: string): readonly string[] {
  return ATTACKED.filter((one) => one === name || one.startsWith(`${name}/`));
}

/** Whether a person has to write one of the copies. */
export function isByHand(name: string): boolean {
  return name.endsWith("/by-hand");
}

/** Sets the situation of that name up. */
export function prepared(name: string, stage: Stage): Situation {
  const prepare = SITUATIONS[name];
  if (!prepare) throw new Error(`there is no ${name}; there are ${ATTACKED.join(", ")}`);
  return prepare(stage);
}

type Ask = Pick<PlanRequest, "flow" | "reason"> & Partial<PlanRequest>;

/** Plans are pure, and every case of a situation begins with the same one. */
const plans = new WeakMap<Ground, Map<string, Plan>>();

function planOf({ ground, now }: Stage, ask: Ask): Plan {
  const made = plans.get(ground) ?? new Map<string, Plan>();
  plans.set(ground, made);
  const request = { secret: SECRET, now: instantOf(now), ...ask };
  const key = JSON.stringify(request);
  const plan = made.get(key) ?? compile(runbookFor(ask), snapshotOf(ground.config, request));
  made.set(key, plan);
  return plan;
}

function rotation(stage: Stage, ask: Partial<PlanRequest>): Situation {
  const plan = planOf(stage, { flow: "rotate", reason: "scheduled", ...ask });
  return { plan, canonical: OLD, mayEnd: [OLD], later: [] };
}

/** A rotation has been there before: the record knows the present key, and what was left in every place. */
function revocation(stage: Stage, id: string, breakGlass?: string): Situation {
  stage.memory.generations.push(generationOf(stage, OLD, "current"));
  keepReceipts(stage, OLD);
  const ending = { id, ...(breakGlass !== undefined && { breakGlass }) };
  return {
    plan: planOf(stage, { flow: "revoke", reason: "scheduled", ending }),
    canonical: OLD,
    mayEnd: [id],
    later: [],
  };
}

/** GitHub says when a secret was written, by the second. */
function keepReceipts(stage: Stage, id: string): void {
  const { sandbox, memory, fingerprint } = stage;
  const fingerprints = fingerprint(valuesOf(sandbox, id));
  const { snapshot } = planOf(stage, { flow: "rotate", reason: "scheduled" });
  for (const repository of sandbox.github.repositories)
    for (const { name, updatedAt } of repository.secrets) {
      const copy = copiesOf(snapshot).find(
        ({ config }) => name === KEY && config["repositoryId"] === repository.id,
      );
      const changedAt = instantOf(Math.floor(updatedAt / 1_000) * 1_000);
      if (copy) memory.receipts.set(copy.id, { fingerprints, changedAt });
    }
}

/**
 * The answer to a mint was lost, and the run has ended since: it went on with another key, or walked back. One more key of
 * its tag appears before looks of the follow-up.
 */
function following(
  stage: Stage,
  ended: "completed" | "walked back",
  minutes: readonly number[] = [1, 10, 600],
): Situation {
  const { sandbox, memory, now } = stage;
  const run = `${SECRET}.rotate.0`;
  const tag = runTag(INSTALLATION, run);
  const description = `raxx-ci-rotation-2026-11 ${tag}`;
  const mint = () =>
    sandbox.control.act({ act: "create-authorization", description, scope: ["global"] }).id ?? "";
  let canonical: string = OLD;
  if (ended === "completed") {
    canonical = mint();
    putEverywhere(sandbox, canonical);
    sandbox.control.act({ act: "delete-authorization", id: OLD });
  }
  memory.generations.push(generationOf(stage, canonical, "current"));
  keepReceipts(stage, canonical);
  const held = { id: canonical, fingerprints: stage.fingerprint(valuesOf(sandbox, canonical)) };
  const follows: Followed = { run, tag, mintedAt: instantOf(now), ...(ended === "completed" && { held }) };
  memory.followUps.add(run);
  const { snapshot: before } = planOf(stage, { flow: "rotate", reason: "scheduled" });
  const ask = { flow: "follow-up", reason: "scheduled" } as const;
  return {
    plan: compile(runbookFor(ask), followingSnapshot(before, follows)),
    canonical,
    mayEnd: [],
    formerTag: tag,
    later: minutes.map((each) => ({ afterMs: each * MINUTE, happens: () => void mint() })),
  };
}

function putEverywhere(sandbox: Sandbox, id: string): void {
  const { control, github, heroku } = sandbox;
  const value = { authorization: id };
  const vault = { environment: "prod", path: "/MooseQuest/heroku" } as const;
  control.act({ act: "set-vault-secret", ...vault, key: KEY, value });
  for (const { owner, name, secrets } of github.repositories)
    if (secrets.length > 0)
      control.act({ act: "set-github-secret", repository: `${owner}/${name}`, name: KEY, value });
  for (const { name } of heroku.apps) control.act({ act: "set-config-var", app: name, name: KEY, value });
}

function valuesOf(sandbox: Sandbox, id: string): Values {
  return { token: Secret.of(sandbox.control.estate().heroku.tokens[id] ?? "") };
}

function generationOf(
  { sandbox, fingerprint, now }: Stage,
  id: string,
  state: "current" | "previous",
): Generation {
  const { description = "", createdAt = now } =
    sandbox.heroku.authorizations.find((one) => one.id === id) ?? {};
  return {
    secret: SECRET,
    credential: {
      id,
      description,
      scopes: ["global"],
      createdAt: instantOf(createdAt),
      account: ACCOUNT,
    },
    fingerprints: fingerprint(valuesOf(sandbox, id)),
    state,
    since: instantOf(now),
  };
}
