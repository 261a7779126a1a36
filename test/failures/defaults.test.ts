import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/app/config.ts";
import type { Plan } from "../../src/core/plan.ts";
import { ROLES } from "../../src/core/record.ts";
import { routeMatches } from "../../src/sandbox/faults.ts";
import { END, expectRotated, STORES } from "../flow/expectations.ts";
import { raxx } from "../flow/raxx-config.ts";
import { SECRET, type World, world } from "../flow/world.ts";

/** What a secret must say of itself; `destinations` may be left out, and then there is nothing to protect. */
const REQUIRED = ["system", "owner", "role", "environment", "cadence", "issuer", "vault"] as const;

/** The example, of which nothing is left but what must be there, and its destinations. */
function bare(): Record<string, unknown> {
  const { connections, secrets } = raxx();
  const whole: Record<string, unknown> = { ...secrets[SECRET] };
  const kept = [...REQUIRED, "destinations"].map((key) => [key, whole[key]]);
  return { connections, secrets: { [SECRET]: Object.fromEntries(kept) } };
}

const options = { change: bare };

async function planFor(reason: "scheduled" | "compromise"): Promise<Plan> {
  return (await world(options)).run({ reason }).plan;
}

describe("[X-14] defaults are safe", () => {
  it("for a configuration that names only what is required", () => {
    expect(() => checkConfig(bare())).not.toThrow();
    for (const key of REQUIRED) {
      const config = bare();
      delete (config["secrets"] as Record<string, Record<string, unknown>>)[SECRET]?.[key];
      expect(() => checkConfig(config), key).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    }
  });

  it("[HK-21][HK-23] soak, drain, the consumers' steadiness and the issuer's propagation take time", async () => {
    const { snapshot, steps } = await planFor("scheduled");
    const { soakMs, drainMs, steadyMs, propagationMs } = snapshot;
    const MINUTE = 60_000;
    expect(soakMs).toBeGreaterThanOrEqual(30 * MINUTE);
    expect(drainMs).toBeGreaterThanOrEqual(60 * MINUTE);
    expect(steadyMs).toBeGreaterThanOrEqual(MINUTE);
    expect(propagationMs).toBeGreaterThanOrEqual(MINUTE);
    const says = (id: string) => steps.find((step) => step.id === id)?.says;
    expect(says("soak")).toContain("30 min old");
    expect(says("drain")).toContain("after 4 h a person decides");
    expect(says("prove-dead")).toContain("60 s later");
  });

  it("[HK-14] a compromised key has a deadline, and is not kept for the sake of the overlap", async () => {
    const { snapshot } = await planFor("compromise");
    expect(snapshot.revokeWithinMs).toBeGreaterThan(0);
    expect(snapshot.soakMs).toBe(0);
    // What still runs on the old value is waited for all the same, and consumers are proved as ever.
    expect([snapshot.drainMs, snapshot.steadyMs, snapshot.propagationMs].every((ms) => ms > 0)).toBe(true);
    expect((await planFor("scheduled")).snapshot.revokeWithinMs).toBeUndefined();
  });

  it("[X-06] every copy is proved, by the strongest grade that its place has", async () => {
    const { steps, snapshot } = await planFor("scheduled");
    const writes = steps.filter(({ id }) => id === "store" || id.startsWith("propagate/"));
    expect(writes).toHaveLength(1 + snapshot.waves.flat().length);
    const grades = Object.fromEntries(writes.map(({ id, grade }) => [id.split(":")[0], grade]));
    expect(grades).toEqual({ store: "value", "propagate/github": "receipt", "propagate/heroku": "value" });
    const { leastProof, role, assurance } = checkConfig(bare()).secrets[SECRET] ?? {};
    expect([leastProof, assurance]).toEqual(["receipt", "local user"]);
    expect(ROLES).toContain(role);
  });

  it("[HK-07] the vault comes first, then the declared waves, and the old key's end after all that guards it", async () => {
    const { steps, snapshot } = await planFor("scheduled");
    expect(snapshot.waves.length).toBeGreaterThan(1);
    const order = steps.map(({ id }) => id);
    const copies = snapshot.waves.flat().map(({ id }) => `propagate/${id}`);
    const guards = ["check", "identify", "claim", "mint", "validate", "store", ...copies, "soak", "drain"];
    expect(order).toEqual([...guards, "requests", "tidy", "revoke", "prove-dead", "record"]);
  });

  it("[HK-11] and all of that time really passes", async () => {
    const w = await world(options);
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
    const { soakMs, steadyMs, propagationMs, waves } = run.plan.snapshot;
    const [, ...copies] = STORES.map(({ write }) => writtenAt(w, write));
    const firstOf = (wave: number) => copies[waves.slice(0, wave).flat().length] ?? 0;
    for (let wave = 2; wave < waves.length; wave += 1)
      expect(firstOf(wave) - firstOf(wave - 1)).toBeGreaterThanOrEqual(steadyMs);
    const ended = writtenAt(w, END);
    expect(ended - Math.max(...copies)).toBeGreaterThanOrEqual(soakMs);
    const refusedAt = w.sandbox.control.journal.list().findLast(({ status }) => status === 401)?.at ?? 0;
    expect(refusedAt - ended).toBeGreaterThanOrEqual(propagationMs);
  });
});

function writtenAt(w: World, { vendor, method, route }: (typeof STORES)[number]["write"] | typeof END) {
  const found = w
    .writes()
    .find((one) => one.vendor === vendor && one.method === method && routeMatches(route, one.path));
  if (!found) throw new Error(`nothing was written by ${method} ${route}`);
  return found.at;
}
