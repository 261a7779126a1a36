import type { StepPorts } from "../core/circumstances.ts";
import type { AuditEntry, Escalation, RunId } from "../core/record.ts";
import type { RunInput } from "./run-input.ts";
import type { RunDeps } from "./run-ports.ts";

const BOTH_LIVE = "nothing is ended while the run is held; show says which keys live";
const WAITS = "the run waits, however long it takes; nothing happens meanwhile";

/** Writes entries about one run into the audit log. */
export function noteOf(deps: Pick<RunDeps, "audit">, run: RunId, { snapshot, actor }: RunInput) {
  return (what: string, context: AuditEntry["context"]) =>
    deps.audit.append({
      action: `secret.${snapshot.flow}.${what}`,
      actor,
      secret: snapshot.secret,
      run,
      context,
    });
}

/** How a run speaks to people: it is held, asks, reminds, and goes on. */
export function peoplePorts(
  deps: RunDeps,
  run: RunId,
  input: RunInput,
): Pick<StepPorts, "held" | "asked" | "reminded" | "resumed"> {
  const { secret } = input.snapshot;
  const note = noteOf(deps, run, input);
  const tell = (event: Omit<Escalation, "secret" | "run">) => deps.escalate({ ...event, secret, run });
  const show = `lockstep show ${run}`;
  return {
    held: async (trouble, question) => {
      await note("held", { trouble });
      await deps.progress.run(run, { status: "held", trouble, question });
      const says = `${secret} is held: ${trouble.message}`;
      await tell({ event: `${run}/${question}`, kind: "held", says, state: BOTH_LIVE, next: show });
    },
    asked: async (step, task, question) => {
      await note("asked", { step: step.id, title: task.title });
      await deps.tasks.open({ run, question, step: step.id, task });
      await deps.progress.step(run, step.id, { state: "waiting", says: `waits for a person: ${task.title}` });
      await deps.progress.run(run, { status: "waiting", question });
      const next = `lockstep answer ${run}`;
      await tell({ event: `${run}/${question}`, kind: "task", says: task.title, state: WAITS, next });
    },
    reminded: async (trouble, question, n) => {
      const event = `${run}/${question}/${n}`;
      const still = trouble ? `is still held: ${trouble.message}` : "still waits for its task";
      const state = trouble ? BOTH_LIVE : WAITS;
      await note("reminded", { question, n });
      await tell({ event, kind: "reminder", says: `${secret} ${still}`, state, next: show });
    },
    resumed: async () => {
      await note("resumed", {});
      await deps.progress.run(run, { status: "running" });
    },
  };
}
