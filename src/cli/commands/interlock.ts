import type { Home } from "../../app/home.ts";
import { type InterlockStatus, interlockIn, statusOf } from "../../app/interlocks.ts";
import { localActor } from "../../app/people.ts";
import { commandFor, type TurnFound, turnInterlock } from "../../app/turning.ts";
import { LockstepError } from "../../core/errors.ts";
import type { Position } from "../../core/interlock.ts";
import { ask } from "../ask.ts";
import { withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { becauseFlag } from "../render.ts";
import { turnText } from "../turn-text.ts";

interface InterlockOptions extends Common {
  readonly because?: string;
  readonly yes: boolean;
  readonly confirm?: string;
}

/** What is to be turned, and why. */
interface Wanted {
  readonly name: string;
  readonly to: Position;
  readonly because: string;
}

/** `lockstep interlock`: where the interlocks stand, with proof; closes or opens one. */
export function interlock(io: Io, options: InterlockOptions, action: string, name: string): Promise<Result> {
  const to = action === "close" ? "closed" : action === "open" ? "open" : undefined;
  if (to === undefined && action !== "status") throw noAction(action);
  return withHome(options, async (home) => {
    if (to === undefined) return status(home, name === "" ? undefined : name);
    if (name !== "") interlockIn(home.config, name);
    if (name === "" || !options.because) throw incomplete(home, action, name, options.because);
    return turned(io, home, options, { name, to, because: options.because });
  });
}

async function status(home: Home, name: string | undefined): Promise<Result> {
  const interlocks = await statusOf(home, name);
  const fine = interlocks.every(({ proof }) => proof.is === "proved");
  const text =
    interlocks.length === 0
      ? "The configuration declares no interlock."
      : interlocks.map(statusText).join("\n\n");
  return { exit: fine ? EXIT.done : EXIT.findings, json: { interlocks }, text };
}

async function turned(io: Io, home: Home, options: InterlockOptions, wanted: Wanted): Promise<Result> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  let noted = "";
  try {
    const done = await turnInterlock(home, localActor(home.config), {
      interlock: wanted.name,
      to: wanted.to,
      because: wanted.because,
      signal: stop.signal,
      confirm: (found) => confirm(io, options, wanted, found),
      saw({ trouble: { message } }) {
        io.row(` ▶ ${message}`);
        if (!io.live && message !== noted) io.note(` ▶ ${message}`);
        noted = message;
      },
    });
    io.row("");
    const next =
      done.proof === undefined
        ? `${commandFor(wanted.name, wanted)}    waits for its proof`
        : `lockstep interlock status ${wanted.name}`;
    const did = done.wrote ? `${wanted.name} is ${done.is}; it ${stood(done.found)}.` : alreadySo(done);
    const says = done.proof?.says ?? `Not proved ${done.is} yet: nobody waits for that now.`;
    const text = [did, `  ${says}`, `next  ${next}`].join("\n");
    const exit = done.proof === undefined ? EXIT.interrupted : EXIT.done;
    return { exit, json: { ...done, proof: done.proof ?? null, next }, text };
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

function stood(found: Position | "unknown"): string {
  return found === "unknown" ? "stood neither open nor closed" : `was ${found}`;
}

function alreadySo({
  interlock: name,
  is,
  found,
}: {
  interlock: string;
  is: Position;
  found: Position | "unknown";
}) {
  const before = found === is ? "" : ` Before this turn it ${stood(found)}.`;
  return `${name} is ${is} already: nothing was sent.${before}`;
}

/** Opening what this installation did not close is asked for by name, whatever else was said (P5). */
async function confirm(io: Io, options: InterlockOptions, wanted: Wanted, found: TurnFound): Promise<void> {
  const { name, to } = wanted;
  const foreign = to === "open" && !found.ours;
  if (!io.json) io.note(foundText(wanted, found, foreign));
  if (options.confirm === name || (options.yes && !foreign)) return;
  const flag = foreign ? `--confirm ${name}` : "--yes";
  if (options.confirm !== undefined) throw declined(wanted, flag, `--confirm does not say ${name}`);
  if (!io.canAsk)
    throw new LockstepError({
      code: "CONFIRMATION_NEEDED",
      message: `${to === "closed" ? "Closing" : "Opening"} ${name} needs a confirmation${foreign ? " by its name" : ""}, and there is no terminal to ask on`,
      because: foreign
        ? "it is not on record that this installation closed it while it was open; whoever did may count on it. Nothing was sent"
        : "whatever consults it is stopped or let go on. Nothing was sent",
      next: `${commandFor(name, wanted)} ${flag}`,
    });
  const answer = await ask(to === "closed" ? `Close ${name}? y/N ` : `Type ${name} to open it: `);
  if (to === "closed" ? /^y(es)?$/i.test(answer) : answer === name) return;
  throw declined(wanted, flag, "the answer was not yes");
}

function foundText({ name, to }: Wanted, { found, last }: TurnFound, foreign: boolean): string {
  const stands = found === "unknown" ? "stands neither open nor closed" : `is ${found}`;
  const who = foreign ? " It is not on record that this installation closed it while it was open." : "";
  return [
    `${name} ${stands}, and is to be ${to}.${who}`,
    ...(last ? [`  last turn on record: ${turnText(last)}`] : []),
  ].join("\n");
}

function statusText(one: InterlockStatus): string {
  const { interlock: name, target, is, since, proof, last, trouble, remarks } = one;
  const when = since === null ? "" : ` since ${since}`;
  const head =
    is === "unknown"
      ? `${name}  UNKNOWN: neither open nor closed can be said`
      : `${name}  ${is}${when}${proof.is === "proved" ? ", proved" : ", NOT PROVED"}`;
  return [
    head,
    `  ${target}`,
    ...(last
      ? [`  last turn on record: ${turnText(last)}`]
      : ["  no turn by this installation is on record"]),
    `  ${proof.is}: ${proof.says}`,
    ...remarks.map((remark) => `  not shown: ${remark}`),
    ...(trouble ? [`│ because  ${trouble.because}`, `│ next     ${trouble.next}`] : []),
  ].join("\n");
}

function noAction(action: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `interlock has no action ${JSON.stringify(action)}: it is status, close or open`,
    because: "this is not how the command is called; nothing was looked at or sent",
    next: "lockstep interlock status",
  });
}

function incomplete(home: Home, action: string, name: string, because?: string): LockstepError {
  const names = Object.keys(home.config.interlocks);
  return new LockstepError({
    code: "USAGE",
    message: name === "" ? `interlock ${action} needs a name` : `interlock ${action} needs --because`,
    because:
      name === ""
        ? `one interlock is turned at a time; declared are: ${names.join(", ") || "none"}`
        : "the record keeps why it was turned; nothing was sent",
    next: `lockstep interlock ${action} ${name || (names[0] ?? "<name>")} ${becauseFlag(because)}`,
  });
}

function declined(wanted: Wanted, flag: string, because: string): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: `${wanted.name} was not touched`,
    because,
    next: `${commandFor(wanted.name, wanted)} ${flag}`,
  });
}
