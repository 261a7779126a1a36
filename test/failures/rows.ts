import { expect } from "vitest";
import { nextCommand } from "../../src/app/run-words.ts";
import { choicesFor } from "../../src/cli/run-text.ts";
import type { Decision } from "../../src/core/circumstances.ts";
import type { RunRecord } from "../../src/core/record.ts";
import { expectRotated } from "../flow/expectations.ts";
import { nowText } from "../flow/life.ts";
import { ACTOR, type Run, SECRET, type World, world } from "../flow/world.ts";
import { type Met, meet, type Trouble } from "./drive.ts";
import { isAt, type Place } from "./places.ts";
import { meetSituation, type Situation } from "./situations.ts";
import { expectSound, type Truth, truthOf, viewOf } from "./truth.ts";

/** One row of the document: what a person sees and what is true, when that happened there. */
export interface Row {
  readonly where: string;
  readonly run: string;
  readonly lives: string;
  readonly vault: string;
  readonly github: string;
  readonly apps: string;
  readonly next: string;
  /** What each command leads to. */
  readonly leads: string;
}

/** Lets the trouble happen at that place, and tells what came of it; every state on the way must be sound. */
export async function rowOf(place: Place, trouble: Trouble): Promise<Row> {
  const where = place.name;
  if (place.quiet && (trouble === "refuses" || trouble === "silent")) {
    await expectQuiet(place);
    const none = { lives: "-", vault: "-", github: "-", apps: "-", next: "-", leads: "-" };
    return { where, run: "cannot happen: no vendor is asked", ...none };
  }
  const again = () => meet(place, trouble);
  const met = await again();
  expect(met.asked).toBeGreaterThan(0);
  const { w, run } = met;
  if (met.refused !== undefined) {
    const end = endOf(w, run);
    // What the refusal of the command says; see app/decisions.ts.
    const next = commandIn(nextCommand({ ...viewOf(w, run).run, status: "running" }), run);
    const words = wordsFor(met.refused);
    return { where, run: "goes on: `RUN_NOT_CANCELLABLE`", ...words, next, leads: `rotate: ${end}` };
  }
  return restingRow(where, met, again);
}

/** The same for a situation, which is set right before anything is decided. */
export async function rowOfSituation(situation: Situation): Promise<Row> {
  const met = await meetSituation(situation);
  expect(met.asked).toBe(1);
  return restingRow(situation.name, met, () => meetSituation(situation), situation.mends);
}

type Mend = (met: Met) => void | Promise<void>;

/** The row of a run that has come to rest, or whose process has died. */
async function restingRow(where: string, met: Met, again: () => Promise<Met>, mend?: Mend): Promise<Row> {
  const { w, run } = met;
  expectSound(w, run);
  const view = viewOf(w, run);
  const { status, trouble } = view.run;
  return {
    where,
    run: trouble ? `${status}, \`${trouble.code}\`` : status,
    ...wordsFor(truthOf(w, run)),
    next: commandIn(choicesFor(view)[0]?.command ?? nextCommand(view.run), run),
    leads: await leadsOf(met, again, mend),
  };
}

/** A place that is said to ask no vendor asks none. */
async function expectQuiet(place: Place): Promise<void> {
  const w = await world(place.options);
  const run = w.run();
  let visited = false;
  const recorded = (key: string) => {
    if (key.startsWith(`${place.step}/`)) visited = true;
  };
  await run.go({ recorded, asks: () => expect(isAt(w, run, place)).toBe(false) });
  expect(visited).toBe(true);
}

/** The command in a line that says what comes next, with the names of this run left open. */
function commandIn(next: string, run: Run): string {
  const [command = ""] = next.split("    ");
  expect(command).toMatch(/^lockstep [a-z]+ [^<]+$/);
  return `\`${command.replace(run.id, "<run>").replace(SECRET, "<secret>")}\``;
}

function wordsFor(truth: Truth): Pick<Row, "lives" | "vault" | "github" | "apps"> {
  const { oldLives, newLive, vault, github, apps } = truth;
  const fresh = newLive > 1 ? [`${newLive} new`] : newLive > 0 ? ["new"] : [];
  const changed = apps.filter((one) => one === "new").length;
  expect(apps.every((one) => one !== "other")).toBe(true);
  return {
    lives: [...(oldLives ? ["old"] : []), ...fresh].join(" and "),
    vault,
    github,
    apps: changed === 0 ? "old" : changed === apps.length ? "new" : `${changed} of ${apps.length} new`,
  };
}

/** What comes of each command that the row stands for, once the trouble is over. */
async function leadsOf(met: Met, again: () => Promise<Met>, mend?: Mend): Promise<string> {
  const { w, run } = met;
  const view = viewOf(w, run);
  if (view.run.endedAt !== undefined) {
    await mend?.(met);
    return anew(w, view.run);
  }
  if (met.died) {
    await run.go();
    return `rotate: ${endOf(w, run)}`;
  }
  const ends: string[] = [];
  for (const [n, { choice }] of choicesFor(view).entries()) {
    const other = n === 0 ? met : await again();
    await mend?.(other);
    await decide(other, choice);
    ends.push(`${choice}: ${await endOrAnswer(other)}`);
  }
  return ends.join("; ");
}

/** How it ends; where it asks a person on the way, with the answer that it is done. */
async function endOrAnswer({ w, run }: Met): Promise<string> {
  const end = endOf(w, run);
  if (end !== "waiting") return end;
  run.say({ is: "done", by: ACTOR, at: nowText() });
  await run.go();
  return `waiting, then answer: ${endOf(w, run)}`;
}

/** The run is over: what its own next command does, and a new rotation. */
async function anew(w: World, { trouble, secret }: RunRecord): Promise<string> {
  const ends: string[] = [];
  if (trouble?.next.startsWith(`lockstep test ${secret}    `)) {
    const look = w.run({ flow: "test" });
    await look.go();
    ends.push(`test: ${viewOf(w, look).run.status}`);
  } else expect(trouble?.next).toBe(`lockstep plan ${secret}`);
  const again = w.run();
  await again.go();
  ends.push(`rotate: ${endOf(w, again)}`);
  return ends.join("; ");
}

/** Decides as the command does. */
async function decide({ w, run }: Met, choice: Decision["choice"]): Promise<void> {
  w.sandbox.control.clearFaults();
  if (choice === "cancel") run.cancel();
  run.say({ choice, by: ACTOR });
  await run.go();
}

/** How the run stands now, which must be sound. */
function endOf(w: World, run: Run): string {
  expectSound(w, run);
  const { status, trouble } = viewOf(w, run).run;
  if (status === "completed") expectRotated(w, run);
  if (trouble?.code === "RUN_ROLLED_BACK") return "rolled back";
  return status === "held" ? `held, \`${trouble?.code}\`` : status;
}
