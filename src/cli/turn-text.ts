import type { LastTurn } from "../app/interlock-record.ts";

const STAGES: Readonly<Record<LastTurn["stage"], string>> = {
  intended: ", announced and not seen to its end",
  unsettled: ", its answer lost",
  done: ", not proved yet",
  unproved: ", not proved in time",
  proved: "",
};

/** The last turn of an interlock in words: `closed 2026-11-21T08:30:00.000Z by kris, key rotation`. */
export function turnText({ to, at, by, because, stage }: LastTurn): string {
  return `${to} ${at} by ${by.name}, ${because}${STAGES[stage]}`;
}
