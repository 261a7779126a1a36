import type { Matters } from "../app/matters.ts";
import { nextCommand } from "../app/run-words.ts";
import { credentialFound } from "../core/record.ts";
import type { Finding } from "../db/findings.ts";
import { commandLines, hanging } from "./layout.ts";
import { turnText } from "./turn-text.ts";

/** What stands open as lines, each with the command that goes on with it; empty where nothing does. */
export function mattersText(matters: Matters): readonly string[] {
  const { tasks, held, left, parked, findings, frozen, interlocks } = matters;
  const rows = [
    ...(frozen ? [["frozen", freezeSays(frozen), "lockstep freeze --lift"]] : []),
    ...findings
      .filter((one) => one.severity === "sev-1")
      .map((one) => ["SEV-1", `${one.secret}: ${one.says}`, one.next]),
    ...interlocks.map((turn) => [
      "interlock",
      `${turn.interlock}: ${turnText(turn)}`,
      `lockstep interlock status ${turn.interlock}`,
    ]),
    ...held.map(({ id, trouble }) => [
      "held",
      `${id}: ${(trouble?.original ?? trouble)?.message ?? ""}`,
      `lockstep show ${id}`,
    ]),
    ...tasks.map(({ run, task }) => ["your turn", `${run}: ${task.title}`, `lockstep answer ${run}`]),
    ...left.map((run) => ["left", `${run.id}: ${LEFT}`, nextCommand(run)]),
    ...parked.map(({ run, why }) => ["parked", `${run}: ${why}`, `lockstep show ${run}`]),
    ...findings
      .filter((one) => one.severity !== "sev-1")
      .map((one) => ["finding", `${one.secret}: ${one.says}`, one.next, ...closingCommands(one)]),
  ];
  const column = Math.max(...rows.map(([what = ""]) => what.length)) + 3;
  // The command stands below what is said: texts of vendors may be of any length.
  const lines = rows.flatMap(([what = "", says = "", next = "", ...ors]) => [
    hanging(` ${what}`.padEnd(column) + (says.split("\n")[0] ?? ""), column),
    ...nextLines(" ".repeat(column), next, ors),
  ]);
  return lines.length === 0 ? [] : ["", "Open:", ...lines];
}

/** The next command, and those that would do as well. */
export function nextLines(indent: string, next: string, ors: readonly string[]): readonly string[] {
  return [
    ...commandLines(`${indent}next  `, next),
    ...ors.flatMap((or) => commandLines(`${indent}or    `, or)),
  ];
}

/** The commands that close a finding: on what the issuer shows, where it is of a credential, and on a person's word. */
export function closingCommands(finding: Pick<Finding, "id" | "secret">): readonly string[] {
  const look = `lockstep verify ${finding.secret}    closes it once the issuer's list shows that it is gone`;
  return [...(credentialFound(finding) === undefined ? [] : [look]), dismissCommand(finding)];
}

/** The command that closes a finding on a person's word. */
export function dismissCommand({ id }: Pick<Finding, "id">): string {
  return `lockstep dismiss ${id} --because "why"`;
}

/** What is to be known of a run that is under way and that nobody carries out. */
export const LEFT = "no process carries it out any more; it goes on where it was";

/** Who has frozen the installation, since when, and why. */
export function freezeSays({ by, at, reason }: NonNullable<Matters["frozen"]>): string {
  return `no new effect begins: frozen since ${at} by ${by.name}, ${reason}`;
}
