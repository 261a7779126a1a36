import {
  type ActResult,
  type Answer,
  type Asked,
  type Decision,
  failed,
  runCancelled,
} from "./circumstances.ts";
import type { Facts } from "./facts.ts";
import { askAgainAt } from "./hold.ts";
import { noteDown } from "./persist.ts";
import { newQuestion, type Running } from "./running.ts";
import type { Step } from "./step.ts";
import type { Task } from "./task.ts";

/** What a step asks of a person; undefined where nobody needs to be asked. */
export function taskOf({ snapshot, facts, ports, history }: Running, step: Step): Task | undefined {
  return step.asks?.(snapshot, facts as Facts, { tag: ports.tag, history });
}

/** Waits for a person's answer to the step's task, or for a decision that takes its place. */
export async function ask(run: Running, step: Step, task: Task, attempt: number): Promise<Answer | Decision> {
  const { journal, ports } = run;
  const question = newQuestion(run, `task/${step.id}/${attempt}`);
  const asked = run.asked.get(step) ?? (await beforeAsking(run, step, question));
  if (asked) run.asked.set(step, asked);
  for (let n = 1; ; n += 1) {
    const since = await noteDown(journal, ports, `${question}/asked/${n}`, async () => {
      if (n === 1) await ports.asked(step, task, question);
      else await ports.reminded(undefined, question, n);
      return journal.now();
    });
    const answer = await journal.answer<Answer | Decision>(question, askAgainAt(run, since));
    if (!answer) continue;
    await noteDown(journal, ports, `${question}/answered`, () => ports.resumed());
    return "choice" in answer || !asked ? answer : { ...answer, asked };
  }
}

/** On record before anybody is asked: a process that asked and died must not take the person's write for what was there before. */
async function beforeAsking(run: Running, step: Step, question: string): Promise<Asked | undefined> {
  const { shows } = step;
  if (!shows) return undefined;
  return noteDown(run.journal, run.ports, `${question}/shown`, async () => {
    const shown = await shows(run.ports.context(run.facts));
    return { at: run.journal.now(), ...(shown !== undefined && { shown }) };
  });
}

/** How a task ends in whose place a person decided something. */
export function declined({ ports, snapshot }: Running, { choice, reason }: Decision): ActResult {
  const because = "a person decided so";
  if (choice === "cancel" || choice === "rollback")
    return failed(runCancelled(snapshot.secret, because, reason), { stopped: true });
  return failed({
    code: "OPERATOR_DECLINED",
    message: `The task was not done${reason ? `: ${reason}` : ""}`,
    because,
    next: `lockstep show ${ports.run}`,
  });
}
