import { type Case, ensure } from "./case.ts";
import { type Experiment, type Experiments, experimentsWith } from "./experiments.ts";
import { FAULTS, type Family } from "./faults.ts";
import type { Ended, Operation, Stage } from "./operation.ts";
import type { VendorWorld } from "./supplied.ts";
import { answerOf, shown, verdictOf } from "./verdict.ts";

/** What is looked at in an experiment. */
interface Looked {
  readonly operation: Operation<VendorWorld, unknown>;
  readonly plain: Ended;
  readonly experiment: Experiment;
  readonly where: string;
}

type Rule = (looked: Looked) => void;

const FAMILIES: readonly { family: Family; claim: string; rule: Rule }[] = [
  { family: "lost", claim: "without a reply nothing is claimed", rule: leftOpen },
  { family: "silent", claim: "silence ends at the deadline, and nothing is claimed", rule: leftOpen },
  { family: "server", claim: "a 500 is neither yes nor no", rule: leftOpen },
  { family: "foreign", claim: "a foreign or cut reply is not believed", rule: leftOpen },
  {
    family: "refused",
    claim: "the vendor's own refusal is told as one, and nothing has happened",
    rule: toldAsRefusal,
  },
  { family: "limited", claim: "a 429 is followed", rule: followed },
];

/** Each operation under every fault on each of its calls. */
export function casesUnderFaults<World extends VendorWorld, Adapter>(
  operations: readonly Operation<World, Adapter>[],
  stage: () => Promise<Stage<World, Adapter>>,
): readonly Case[] {
  const all = operations.map((operation) => ({ operation, experiments: experimentsWith(operation, stage) }));
  return [
    ...all.flatMap(({ operation, experiments }) =>
      FAMILIES.map(({ family, claim, rule }) => ({
        name: `${operation.name}: ${claim}`,
        run: () => look(operation, experiments, (fault) => fault === family, rule),
      })),
    ),
    ...all
      .filter(({ operation }) => operation.effect === "write")
      .flatMap(({ operation, experiments }) => [
        {
          name: `${operation.name}: succeeds, and the truth shows it`,
          run: () => succeeds(operation, experiments),
        },
        {
          name: `${operation.name}: what has an effect is sent once`,
          run: () => look(operation, experiments, () => true, sentOnce),
        },
      ]),
    ...all
      .filter(({ operation }) => operation.effect === "read")
      .map(({ operation, experiments }) => ({
        name: `${operation.name}: nothing is made up when the vendor has gone away`,
        run: () => made(operation, experiments),
      })),
    {
      name: "no value leaves: not in an outcome, a trouble, an error or a record of calls",
      run: async () => {
        for (const { operation, experiments } of all) {
          ensure(!(await experiments.plain()).leaks, `no value in what ${operation.name} answers`);
          await look(operation, experiments, () => true, silentAboutValues);
        }
      },
    },
    {
      name: "every call takes its turn in the budget and is recorded",
      run: async () => {
        for (const { operation, experiments } of all) {
          const { wire, calls } = await experiments.plain();
          const made = wire.exchanges.length;
          ensure(
            wire.turns() === made,
            `${made} turns for the ${made} calls of ${operation.name}`,
            `${wire.turns()}`,
          );
          ensure(
            calls.length === made,
            `${made} records of the calls of ${operation.name}`,
            `${calls.length}`,
          );
        }
      },
    },
  ];
}

async function look(
  operation: Operation<VendorWorld, unknown>,
  experiments: Experiments,
  wanted: (family: Family) => boolean,
  rule: Rule,
): Promise<void> {
  const plain = await experiments.plain();
  const faults = FAULTS.filter(({ family }) => wanted(family));
  // All at once, because silence takes its time.
  await Promise.all(faults.map((fault) => experiments.under(fault)));
  for (const fault of faults) {
    for (const experiment of await experiments.under(fault)) {
      const { at } = experiment;
      const call = plain.wire.exchanges[at];
      const where = `${operation.name} with ${fault.name} on call ${at + 1} (${call?.method} ${call?.path})`;
      rule({ operation, plain, experiment, where });
    }
  }
}

/** Without it the other cases would have nothing to compare with. */
async function succeeds({ name }: Operation<VendorWorld, unknown>, experiments: Experiments): Promise<void> {
  const ended = await experiments.plain();
  ensure(verdictOf(ended) === "yes" && ended.holds, `${name} to be done without faults`, shown(ended));
  ensure(
    ended.wire.exchanges.some(({ changed }) => changed),
    `the harness to show the effect of ${name}`,
  );
}

/** An answer that is the same without looking was not looked up. */
async function made(operation: Operation<VendorWorld, unknown>, experiments: Experiments): Promise<void> {
  for (const { at, ended } of await experiments.cutOff()) {
    const sure =
      verdictOf(ended) !== "open" && (ended.result === undefined || !operation.weaker?.(ended.result));
    ensure(!sure, `${operation.name} to be open when call ${at + 1} and all after it are lost`, shown(ended));
  }
}

/** No reply, or none that counts: neither yes nor no, unless the adapter went on and saw for itself. */
function leftOpen(looked: Looked): void {
  const { operation, experiment, where } = looked;
  const { ended } = experiment;
  const verdict = verdictOf(ended);
  ensure(verdict !== undefined, `an answer to ${where}`, shown(ended));
  ensure(verdict !== "no", `${where} not to be told as a no`, shown(ended));
  if (operation.effect === "read") sureOrOpen(looked);
  else doneOrUnknown(looked);
}

/** A write: done only where that was seen to be true, unknown where it may have happened. */
function doneOrUnknown({ experiment, where }: Looked): void {
  const { ended, effective, met, fault, at } = experiment;
  const wentOn = ended.wire.exchanges.length > at + 1;
  if (verdictOf(ended) === "yes") {
    ensure(ended.holds, `${where} not to be called done when it is not`);
    // What has no body arrives whole, however it is cut.
    const certain = !met || !effective || wentOn || fault.name.startsWith("a reply that is cut");
    ensure(certain, `${where} to be unknown: nobody has seen that it is done`, shown(ended));
  }
  if (is(ended, "retryable")) {
    ensure(!ended.changed, `${where} to be unknown, because something has happened`, shown(ended));
    const nothing = !met || !effective || fault.unsent === true;
    ensure(nothing, `${where} to be unknown, because it may have happened`, shown(ended));
  }
}

/** The vendor's own no: told as no, with nothing done; or as yes where that is true all the same. */
function toldAsRefusal(looked: Looked): void {
  const { operation, experiment, where } = looked;
  const { ended, effective, met, fault } = experiment;
  const verdict = verdictOf(ended);
  const status = fault.status ?? 0;
  ensure(verdict !== undefined, `an answer to ${where}`, shown(ended));
  if (is(ended, "dead"))
    ensure(operation.deadBy?.includes(status) === true, `${where} not to be taken for a dead credential`);
  if (operation.effect === "read") {
    // "There is none" and "you may not see it" are answers about one part, with which the whole can go on.
    if (verdict === "yes" && status !== 404 && status !== 403) sureOrOpen(looked);
    return;
  }
  const gone = operation.name === "end" && status === 404;
  if (verdict === "yes") ensure(ended.holds || gone, `${where} not to be called done when it is not`);
  if (verdict === "no" || is(ended, "retryable"))
    ensure(!ended.changed, `${where} to be unknown, because something has happened`, shown(ended));
  if (met && effective && !ended.changed && verdict !== "yes")
    ensure(verdict === "no", `${where} to be refused`, shown(ended));
}

/** The vendor takes no calls for now: nothing is sent again at once, and whoever called learns how long to wait. */
function followed(looked: Looked): void {
  const { operation, experiment, where } = looked;
  const { ended, met, fault, at } = experiment;
  const verdict = verdictOf(ended);
  ensure(verdict !== undefined, `an answer to ${where}`, shown(ended));
  ensure(verdict !== "no", `${where} not to be told as a no`, shown(ended));
  if (!met) return;
  ensure(again(experiment) === 0, `${where} not to be followed by the same call at once`);
  ensure(ended.wire.blocked.length > 0, `the budget to be told of ${where}`);
  if (operation.effect === "read") sureOrOpen(looked);
  else if (verdict === "yes") ensure(ended.holds, `${where} not to be called done when it is not`);
  if (verdict === "yes" || ended.result === undefined || !tellsWait(looked)) return;
  if (ended.changed) {
    ensure(is(ended, "unknown"), `${where} to be unknown, because something has happened`, shown(ended));
    return;
  }
  const { result } = ended;
  const wait = result.is === "retryable" ? (result.afterMs ?? 0) : 0;
  const asked = fault.retryAfterMs ?? 1;
  ensure(
    wait >= asked,
    `${where} to be retryable after ${asked} ms or more (call ${at + 1})`,
    `${result.is} ${wait} ms`,
  );
}

/** Whether the answer has room for the time to wait: looks at liveness and proofs do not. */
function tellsWait({ plain }: Looked): boolean {
  return plain.result?.is === "done";
}

function sentOnce({ experiment, where }: Looked): void {
  const { effective, met, fault } = experiment;
  // These two say that nothing was looked at, so that what was wrong with the call can be put right and it be sent again.
  if (!effective || !met || fault.status === 401 || fault.status === 422) return;
  const times = again(experiment);
  ensure(times === 0, `${where} not to be sent again`, `${times} more`);
}

function silentAboutValues({ experiment, where }: Looked): void {
  ensure(!experiment.ended.leaks, `no value in what comes of ${where}`);
}

/** A look that says yes or no must say what it says without the fault. */
function sureOrOpen({ operation, plain, experiment, where }: Looked): void {
  const { ended } = experiment;
  const verdict = verdictOf(ended);
  if (verdict === "open" || ended.result === undefined) return;
  const same = answerOf(ended) === answerOf(plain) || operation.weaker?.(ended.result) === true;
  ensure(same, `${where} to be open, or to be answered as without it`, `another answer (${shown(ended)})`);
}

/** How often the call that went wrong was made again. */
function again({ at, ended }: Experiment): number {
  const { exchanges } = ended.wire;
  const wrong = exchanges[at];
  return exchanges.filter(
    (one, index) => index > at && one.method === wrong?.method && one.path === wrong.path,
  ).length;
}

function is({ result }: Ended, what: NonNullable<Ended["result"]>["is"]): boolean {
  return result?.is === what;
}
