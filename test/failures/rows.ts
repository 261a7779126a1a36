import { nextCommand, safeState } from "../../src/app/run-words.ts";
import { choicesFor } from "../../src/cli/run-text.ts";
import type { Decision } from "../../src/core/circumstances.ts";
import { INTENDED, type RunRecord } from "../../src/core/record.ts";
import { held, isAlive, OLD } from "../flow/expectations.ts";
import { ACTOR, type Run, SECRET, type World } from "../flow/world.ts";
import { type Met, meet, type Trouble } from "./drive.ts";
import type { Place } from "./places.ts";

/** One row of the document: what a person sees and what is true, when that happened there. */
export interface Row {
  readonly at: string;
  readonly run: string;
  readonly lives: string;
  readonly vault: string;
  readonly github: string;
  readonly apps: string;
  readonly next: string;
  readonly after: string;
}

/** A run as the commands read it. */
export function viewOf({ memory }: World, run: Run) {
  const { snapshot, runbook, hash } = run.plan;
  const record: RunRecord = {
    id: run.id,
    secret: SECRET,
    flow: snapshot.flow,
    status: "queued",
    runbook,
    planHash: hash,
    reason: snapshot.reason,
    actor: ACTOR,
    tag: run.tag,
    startedAt: "",
    ...memory.runs.get(run.id),
  };
  const announced = (step: string) =>
    memory.audit.some(
      (one) => one.run === run.id && one.step === step && one.action.endsWith(`step.${INTENDED}`),
    );
  const steps = [...memory.steps.values()].map((one) =>
    announced(one.id) ? { ...one, announced: true as const } : one,
  );
  return { run: record, plan: run.plan, steps };
}

/** The row of a place, and whatever must be shown of it besides. */
export async function rowOf(place: Place, trouble: Trouble): Promise<{ row: Row; met: Met | undefined }> {
  const at = place.name;
  if (place.quiet && (trouble === "refuses" || trouble === "silent")) {
    const none = { lives: "-", vault: "-", github: "-", apps: "-", next: "-", after: "-" };
    return { row: { at, run: "cannot happen: no vendor is asked", ...none }, met: undefined };
  }
  const met = await meet(place, trouble);
  const { w, run } = met;
  const record = viewOf(w, run).run;
  const refused = trouble === "cancels" && (record.status === "completed" || place.back === "rollback");
  return {
    row: {
      at,
      run: refused ? "goes on; cancel is refused, `RUN_NOT_CANCELLABLE`" : stateText(record),
      ...truthOf(w, run),
      next: `\`${commandIn(nextOf(met, refused))}\``,
      after: refused ? endText(record) : await thenOf(place, trouble, met),
    },
    met,
  };
}

function stateText({ status, trouble }: RunRecord): string {
  return trouble ? `${status}, \`${trouble.code}\`` : status;
}

function nextOf({ w, run }: Met, refused: boolean): string {
  const view = viewOf(w, run);
  // As the refusal says; see app/decisions.ts.
  if (refused) return `lockstep rotate ${SECRET}`;
  return choicesFor(view)[0]?.command ?? nextCommand(view.run);
}

/** The command in a line that says what comes next. */
export function commandIn(next: string): string {
  return /lockstep [a-z][\w.<> "-]*?(?=\s{2,}|$|;|,)/.exec(next)?.[0].trim() ?? `no command: ${next}`;
}

/** Who lives and who holds what, as it is at the vendors. */
function truthOf(w: World, run: Run): Pick<Row, "lives" | "vault" | "github" | "apps"> {
  const { vault, github, ...apps } = held(w);
  const ours = oursOf(w, run);
  const word = (id: string | null | undefined) => (id === OLD ? "old" : ours.has(id ?? "") ? "new" : "other");
  const fresh = [...ours.values()].filter((alive) => alive).length;
  const lives = [
    ...(isAlive(w, OLD) ? ["old"] : []),
    ...(fresh > 0 ? [fresh > 1 ? `${fresh} new` : "new"] : []),
  ];
  const changed = Object.values(apps).filter((id) => word(id) === "new").length;
  return {
    lives: lives.join(" and "),
    vault: word(vault),
    github: word(github),
    apps: changed === 0 ? "old" : changed === 4 ? "new" : `${changed} of 4 new`,
  };
}

/** What the run has created, and whether it lives. */
export function oursOf(w: World, run: Run): ReadonlyMap<string, boolean> {
  const { authorizations } = w.sandbox.control.truth().heroku;
  return new Map(
    authorizations
      .filter(({ description }) => description.endsWith(run.tag))
      .map(({ id, alive }) => [id, alive]),
  );
}

/** What comes of each command that the row stands for, once the trouble is over. */
async function thenOf(place: Place, trouble: Trouble, met: Met): Promise<string> {
  const { w, run } = met;
  const view = viewOf(w, run);
  if (view.run.endedAt !== undefined) {
    const again = w.run();
    await again.go();
    return `a new run: ${endText(viewOf(w, again).run)}`;
  }
  if (met.died) {
    await run.go();
    return endText(viewOf(w, run).run);
  }
  const ends: string[] = [];
  for (const { choice, command } of choicesFor(view)) {
    const other = await meet(place, trouble);
    await decide(other, choice);
    const shown = command.replace(run.id, "").replace(/ --confirm \S+| --because "why"/g, "");
    ends.push(
      `${shown.replace("lockstep ", "").replace(/\s+/g, " ").trim()}: ${endText(viewOf(other.w, other.run).run)}`,
    );
  }
  return ends.join("; ");
}

/** Decides as the command does. */
export async function decide({ w, run }: Met, choice: Decision["choice"]): Promise<void> {
  w.sandbox.control.clearFaults();
  if (choice === "cancel") run.cancel();
  run.say({ choice, by: ACTOR });
  await run.go();
}

function endText({ status, trouble }: RunRecord): string {
  if (trouble?.code === "RUN_ROLLED_BACK") return "rolled back";
  return status === "held" ? `held again, \`${trouble?.code}\`` : status;
}

/** The safe state as `lockstep show` says it. */
export function stateOf({ w, run }: Met): string {
  const view = viewOf(w, run);
  return safeState(view.run, view.steps);
}
