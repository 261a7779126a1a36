import { readFile } from "node:fs/promises";
import { type Adopted, adopt as adoptSecret, type PlaceChange } from "../../app/adopt.ts";
import { localActor } from "../../app/people.ts";
import { dueOf } from "../../audit/schedule.ts";
import { LockstepError } from "../../core/errors.ts";
import { shellWord } from "../../core/shell.ts";
import { systemClock } from "../../core/time.ts";
import { lastRotations } from "../../db/ledger.ts";
import { ask } from "../ask.ts";
import { withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";

interface AdoptOptions extends Common {
  readonly log?: string;
  readonly yes: boolean;
}

const DAY_MS = 86_400_000;

/** `lockstep adopt`: puts the present key, its places and an older rotation log on record (X-11). */
export function adopt(io: Io, options: AdoptOptions, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const log = options.log === undefined ? undefined : await textOf(secret, options.log);
    const adopted = await adoptSecret(home, localActor(home.config), {
      secret,
      sandbox: options.sandbox,
      ...(log !== undefined && { log }),
      confirm: (changes) => confirm(io, options, secret, changes),
    });
    const last = (await lastRotations(home.database)).get(secret);
    const cadence = (home.config.secrets[secret]?.cadence ?? 0) / DAY_MS;
    const due = dueOf(last, cadence, systemClock.now());
    return { exit: EXIT.done, json: { ...adopted, due }, text: textFor(adopted, due) };
  });
}

async function confirm(
  io: Io,
  options: AdoptOptions,
  secret: string,
  changes: readonly PlaceChange[],
): Promise<void> {
  for (const { target, before, now } of changes)
    io.note(`${target}: on record is ${before}, there is ${now} now`);
  if (options.yes) return;
  const log = options.log === undefined ? [] : [`--log ${shellWord(options.log)}`];
  const trouble = {
    because: "a place with another id is another place, until a person says that it is meant",
    next: [`lockstep adopt ${secret}`, ...log, "--yes"].join(" "),
  };
  if (!io.canAsk)
    throw new LockstepError({
      code: "CONFIRMATION_NEEDED",
      message: `${changes.length} of the places on record would be replaced, and there is no terminal to ask on`,
      ...trouble,
    });
  if ((await ask(`Type ${secret} to put these in their place: `)) === secret) return;
  throw new LockstepError({
    code: "DECLINED",
    message: `Not adopted: ${changes.map((one) => one.target).join(", ")} would be replaced on record`,
    ...trouble,
  });
}

async function textOf(secret: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new LockstepError(
      {
        code: "USAGE",
        message: `The log ${file} cannot be read`,
        because: "what happened before is imported from a file; nothing was recorded",
        next: `lockstep adopt ${secret} --log <file.md>`,
      },
      { cause },
    );
  }
}

function textFor(adopted: Adopted, due: ReturnType<typeof dueOf>): string {
  const { secret, credential, label, places, known, imported, warnings } = adopted;
  return [
    `${secret} is on record: ${credential.id.slice(0, 8)}… ${credential.description}, ${label}, of ${credential.account}.`,
    `Places: ${places.length} with their immutable ids. Declared as others': ${known.filter((one) => one.listed).length} of ${known.length} listed.`,
    `Rotations imported: ${imported}. ${due.is === "never" ? "No rotation is on record, so no due date is known." : `Last rotated ${due.lastRotated.slice(0, 10)}, next due ${due.nextDue.slice(0, 10)}.`}`,
    ...warnings.map((one) => `look at  ${one}`),
    `next  lockstep plan ${secret}`,
  ].join("\n");
}
