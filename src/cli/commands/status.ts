import { type Home, openHome } from "../../app/home.ts";
import { mattersOf } from "../../app/matters.ts";
import { dueOf } from "../../audit/schedule.ts";
import { labelOf } from "../../core/credential.ts";
import { type Instant, systemClock } from "../../core/time.ts";
import { lastRotations, ledgerIn } from "../../db/ledger.ts";
import { activeRun } from "../../db/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { table } from "../layout.ts";
import type { Common } from "../main.ts";
import { mattersText } from "../matters-text.ts";
import { whereOf } from "../where.ts";

const DAY = 86_400_000;

/** `lockstep status`: every secret, computed from the record (HK-01), with its copies and consumers (HK-02), and what wants a person. */
export async function status(_io: Io, options: Common): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const now = systemClock.now();
    const rotated = await lastRotations(home.database);
    const secrets: Standing[] = [];
    // One after the other: each further connection costs the server a process, more than all these questions together.
    for (const name of Object.keys(home.config.secrets))
      secrets.push(await standingOf(home, name, rotated.get(name), now));
    const open = await mattersOf(home);
    const text = [textOf(secrets), ...mattersText(open)].join("\n");
    return { exit: EXIT.done, json: { secrets, open }, text };
  } finally {
    await home.close();
  }
}

type Standing = Awaited<ReturnType<typeof standingOf>>;

async function standingOf(
  { config, database }: Home,
  name: string,
  rotated: Instant | undefined,
  now: Instant,
) {
  // Loaded late: with it comes what checks the configuration, which is loaded while the database starts.
  const { copyOf } = await import("../../app/snapshot.ts");
  const one = config.secrets[name];
  if (!one) throw new Error(`${name} is not in the configuration that names it`);
  const current = await ledgerIn(database).current(name);
  const run = await activeRun(database, name);
  const cadenceDays = Math.round(one.cadence / DAY);
  const due = dueOf(rotated, cadenceDays, now);
  return {
    secret: name,
    system: one.system,
    owner: one.owner,
    role: one.role,
    environment: one.environment,
    cadenceDays,
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
}

function textOf(secrets: readonly Standing[]): string {
  const rows = secrets.map((one) => [
    one.secret,
    one.environment,
    one.current?.label ?? "-",
    one.lastRotated?.slice(0, 10) ?? "never",
    one.nextDue ? `${one.nextDue.slice(0, 10)}${one.due === "later" ? "" : ` (${one.due})`}` : "-",
  ]);
  const heads = ["SECRET", "ENVIRONMENT", "KEY", "LAST ROTATED", "NEXT DUE (UTC)"];
  const places = secrets.flatMap((one) => [
    "",
    one.secret,
    table([
      ["  role", one.role],
      ...(one.run ? [["  run", `${one.run.id} ${one.run.status}`]] : []),
      ["  vault", one.vault],
      ...one.destinations.flatMap((wave, w) => wave.map((target) => [`  wave ${w + 1}`, target])),
      ...one.consumers.map(({ name, reads, pulls }) => [
        "  consumer",
        `${name}: ${reads}${pulls ? " (pulls)" : ""}`,
      ]),
    ]),
  ]);
  return [table([heads, ...rows]), ...places].join("\n");
}
