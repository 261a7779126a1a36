import { forSecret, LockstepError, type Trouble, troubleOf } from "../core/errors.ts";
import { systemClock } from "../core/time.ts";
import { tryAudit } from "../db/audit-log.ts";
import { hasLivingWorker, listParked } from "../engine/workers.ts";
import { fingerprinter } from "../sealing/fingerprint.ts";
import { STORES } from "./adapters.ts";
import { vendorBudget } from "./budget.ts";
import { connectionsOf } from "./connections.ts";
import type { Home, Where } from "./home.ts";
import { bindInterlock, forInterlock } from "./interlocks.ts";
import { notificationChecks } from "./notifications.ts";
import { localActor } from "./people.ts";
import { parkedTrouble } from "./run-words.ts";
import { copyOf } from "./snapshot.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly says: string;
  readonly trouble?: Trouble;
}

/** Looks at the machine, the installation, and every vault; what fails is listed, and the rest is still looked at. */
export async function examine(where: Where): Promise<readonly Finding[]> {
  const findings: Finding[] = [{ what: "node", ok: true, says: process.versions.node }];
  const look = async <T>(
    what: string,
    body: () => Promise<{ says: string; value: T }>,
  ): Promise<T | undefined> => {
    try {
      const { says, value } = await body();
      findings.push({ what, ok: true, says });
      return value;
    } catch (thrown) {
      const trouble = troubleOf(thrown);
      findings.push({ what, ok: false, says: `${trouble.code}  ${trouble.message}`, trouble });
      return undefined;
    }
  };
  if (where.sandbox || where.env["LOCKSTEP_DATABASE_URL"] === undefined) {
    await look("postgres", async () => {
      const { checkBinaries } = await import("../engine/embedded/server.ts");
      const { version } = await checkBinaries();
      return { says: version, value: undefined };
    });
  }
  const { openHome } = await import("./home.ts");
  const home = await look("installation", async () => {
    const opened = await openHome(where);
    const secrets = Object.keys(opened.config.secrets).length;
    return {
      says: `${secrets} secrets; ${opened.embedded ? "embedded database" : "database server"}; key ${opened.ring.writing}`,
      value: opened,
    };
  });
  if (!home) return findings;
  try {
    await look("you", async () => ({ says: whoIsHere(home), value: undefined }));
    await look("audit log", async () => {
      await tryAudit(home.database, { action: "doctor.tried", actor: localActor(home.config), context: {} });
      return { says: "can be written", value: undefined };
    });
    await look("worker", async () => {
      const alive = await hasLivingWorker(home.databaseUrl);
      return { says: alive ? "one is running" : "none: rotate carries its run out itself", value: undefined };
    });
    await look("runs", async () => {
      const [first, ...others] = await listParked((sql, values) => home.database.query(sql, values));
      if (first) throw new LockstepError(parkedTrouble(first.run, first.why, others.length));
      return { says: "none is parked", value: undefined };
    });
    if (!home.sandbox) await look("variables", async () => ({ says: variablesOf(home), value: undefined }));
    for (const one of notificationChecks(home)) await look(one.what, one.look);
    for (const name of Object.keys(home.config.secrets)) await look(name, () => readVaultOf(home, name));
    for (const name of Object.keys(home.config.interlocks)) await look(name, () => readInterlock(home, name));
  } finally {
    await home.close();
  }
  return findings;
}

/** Who is at this machine, and who else may do what. */
function whoIsHere({ config }: Home): string {
  const { name, role, assurance } = localActor(config);
  const others = Object.entries(config.operators ?? {}).filter(([one]) => one !== name);
  const list = others.map(([one, { role: has }]) => `${one} ${has}`).join(", ");
  return `${name}, ${role}, known as a ${assurance}${list ? `; other operators: ${list}` : ""}`;
}

/** What the secrets and interlocks need from the environment is there; what the vendors say to it is asked by `test`. */
function variablesOf({ config, env }: Home): string {
  const entries = [
    ...Object.values(config.secrets).flatMap((one) => [one.issuer, one.vault, ...one.destinations.flat()]),
    ...Object.values(config.interlocks).flatMap((one) => [one, one.probes.closed, one.probes.open]),
  ];
  const used = [...new Set(entries.flatMap((one) => one?.connection ?? []))];
  const needs = used.flatMap((connection) => {
    const { credential = {}, headers = {} } = config.connections[connection] ?? {};
    const sources = [...Object.values(credential), ...Object.values(headers)];
    return sources.flatMap((one) => (typeof one === "object" ? [{ connection, name: one.env }] : []));
  });
  const missing = needs.filter(({ name }) => !env[name]);
  if (missing.length === 0) return `all ${new Set(needs.map(({ name }) => name)).size} are set`;
  const listed = (key: "connection" | "name") => [...new Set(missing.map((one) => one[key]))].join(", ");
  throw new LockstepError({
    code: "CREDENTIAL_MISSING",
    message: `Not set in the environment: ${listed("name")}`,
    because: `connections take their credentials from it: ${listed("connection")}`,
    next: `lockstep doctor    after you have set ${listed("name")}`,
  });
}

/** Where an interlock stands; its proof is asked for by its own command. */
async function readInterlock(home: Home, name: string): Promise<{ says: string; value: undefined }> {
  const { interlock, target } = bindInterlock(home, name);
  const seen = await interlock.observe();
  if (seen.is !== "done") throw new LockstepError(forInterlock(seen.trouble, name));
  return { says: `${target} is ${seen.value.is}`, value: undefined };
}

/** Reaches the vault entry of a secret; the value itself stays inside the adapter. */
async function readVaultOf(home: Home, name: string): Promise<{ says: string; value: undefined }> {
  const one = home.config.secrets[name];
  const definition = one && STORES[one.vault.kind];
  if (!definition) throw new Error(`${name} has no vault`);
  const copy = copyOf(one.vault);
  const connections = connectionsOf(home.config, {
    env: home.env,
    budget: vendorBudget(home.database),
    ...(home.sandbox && { redirection: home.sandbox.redirection }),
  });
  const store = definition.connect(copy.config, {
    copy: copy.id,
    steadyMs: 0,
    client: connections.client(copy.connection, () =>
      Promise.reject(new Error("a vault works with a credential of its own")),
    ),
    fingerprint: fingerprinter(home.ring),
    clock: systemClock,
  });
  const seen = await store.observe();
  if (seen.is !== "done") throw new LockstepError(forSecret(seen.trouble, name));
  return { says: `${copy.target} ${seen.value.present ? "is there" : "is empty"}`, value: undefined };
}
