import { openHome } from "../../app/home.ts";
import { copyOf } from "../../app/snapshot.ts";
import { dueOf } from "../../audit/schedule.ts";
import { labelOf } from "../../core/credential.ts";
import { systemClock } from "../../core/time.ts";
import { lastRotations, ledgerIn } from "../../db/ledger.ts";
import { activeRun } from "../../db/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { table } from "../render.ts";
import { whereOf } from "../where.ts";

const DAY = 86_400_000;

/** `lockstep status`: every secret, computed from the record (HK-01), with its copies and consumers (HK-02). */
export async function status(_io: Io, options: Common): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const now = systemClock.now();
    const rotated = await lastRotations(home.database);
    const ledger = ledgerIn(home.database);
    const secrets = await Promise.all(
      Object.entries(home.config.secrets).map(async ([name, one]) => {
        const [current, run] = await Promise.all([ledger.current(name), activeRun(home.database, name)]);
        const due = dueOf(rotated.get(name), Math.round(one.cadence / DAY), now);
        return {
          secret: name,
          system: one.system,
          owner: one.owner,
          role: one.role,
          environment: one.environment,
          cadenceDays: Math.round(one.cadence / DAY),
          sop: one.sop ?? null,
          current: current ? { id: current.credential.id, label: labelOf(current.fingerprints) } : null,
          lastRotated: due.is === "never" ? null : due.lastRotated,
          nextDue: due.is === "never" ? null : due.nextDue,
          due: due.is,
          run: run ? { id: run.id, status: run.status } : null,
          vault: copyOf(one.vault).target,
          destinations: one.destinations.map((wave) => wave.map((copy) => copyOf(copy).target)),
          consumers: one.consumers,
        };
      }),
    );
    return { exit: EXIT.done, json: { secrets }, text: textOf(secrets) };
  } finally {
    await home.close();
  }
}

interface Line {
  readonly secret: string;
  readonly environment: string;
  readonly role: string;
  readonly current: { readonly label: string } | null;
  readonly lastRotated: string | null;
  readonly nextDue: string | null;
  readonly due: string;
  readonly run: { readonly id: string; readonly status: string } | null;
  readonly vault: string;
  readonly destinations: readonly (readonly string[])[];
  readonly consumers: readonly { readonly name: string; readonly reads: string; readonly pulls: boolean }[];
}

function textOf(secrets: readonly Line[]): string {
  const rows = secrets.map((one) => [
    one.secret,
    one.environment,
    one.current?.label ?? "-",
    one.lastRotated?.slice(0, 10) ?? "never",
    one.nextDue ? `${one.nextDue.slice(0, 10)}${one.due === "later" ? "" : ` (${one.due})`}` : "-",
    one.role,
    one.run ? `${one.run.id} ${one.run.status}` : "-",
  ]);
  const heads = ["SECRET", "ENVIRONMENT", "KEY", "LAST ROTATED", "NEXT DUE (UTC)", "ROLE", "RUN"];
  const places = secrets.flatMap((one) => [
    "",
    one.secret,
    ...table([
      ["  vault", one.vault],
      ...one.destinations.flatMap((wave, w) => wave.map((target) => [`  wave ${w + 1}`, target])),
      ...one.consumers.map(({ name, reads, pulls }) => [
        "  consumer",
        `${name}: ${reads}${pulls ? " (pulls)" : ""}`,
      ]),
    ]).split("\n"),
  ]);
  return [table([heads, ...rows]), ...places].join("\n");
}
