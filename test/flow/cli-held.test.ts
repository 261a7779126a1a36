import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LAST_COPY, SECRET, type Shown, type Stand, standOf } from "./cli-estate.ts";
import { type Called, call, errorOf, json, openSite, type Site, type } from "./cli-harness.ts";

let site: Site;
let home: Called;
let stand: Stand;
beforeAll(async () => {
  site = await openSite();
  home = await site.project();
  stand = standOf(site, home);
});
afterAll(() => site?.close());
beforeEach(() => stand.age());

const refused = { kind: "status", status: 403, count: null } as const;
const BOTH =
  /^Both keys work; the vault holds the new key [0-9a-f]{6}, and some copies may still hold the old key [0-9a-f]{6}\.$/;

/** A run that Heroku has refused the write of its last copy, with the vendor well again. */
async function heldAtTheLastCopy(...options: string[]): Promise<Shown> {
  site.sandbox.control.addFault({ ...LAST_COPY, ...refused });
  const { code, run } = await stand.rotate(...options);
  site.sandbox.control.clearFaults();
  expect(code).toBe(5);
  return stand.show(run);
}

describe("[X-15] a held run can be finished from show alone", () => {
  it("opens with the safe state in one sentence and the next command, which says what can be decided", async () => {
    const shown = await heldAtTheLastCopy();
    expect([shown.status, shown.state]).toEqual(["held", expect.stringMatching(BOTH)]);
    const [state, next, empty, trouble] = await stand.lines(shown.run);
    expect([state, next, empty]).toEqual([shown.state, `next  ${shown.next}`, ""]);
    expect(trouble).toMatch(/^VENDOR_PERMISSION {2}raxx-console-prod: /);
    const asked = await type(home, shown.next);
    expect(asked.code).toBe(5);
    expect(shown.choices.map((one) => one.choice)).toEqual(["retry", "settle", "rollback"]);
    for (const one of shown.choices) {
      expect(asked.out).toContain(one.means);
      const lines = await stand.lines(shown.run);
      expect(lines[lines.indexOf(`  ${one.command}`) + 1]).toBe(`    ${one.means}`);
    }
  });

  it("a test of its secret is refused at once, and leads to it", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    const left = await call(home, "test", SECRET, "--json");
    expect([left.code, errorOf(left)]).toMatchObject([
      1,
      { code: "RUN_IN_PROGRESS", message: `${run?.id} is held`, next: `lockstep show ${run?.id}` },
    ]);
  });

  it("[X-14] retry: the open step is done, and the run ends as completed", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    const shown = await stand.show(run?.id ?? "");
    expect((await stand.choose(shown, "retry")).code).toBe(0);
    await stand.expectRotated(shown.run);
  });

  it("[X-14] settle: what a person did by hand is looked at, nothing is sent for it, and the run goes on", async () => {
    const shown = await heldAtTheLastCopy();
    const early = await stand.choose(shown, "settle");
    expect([early.code, early.out]).toEqual([5, expect.stringContaining("NOT_SETTLED")]);
    site.sandbox.control.act({
      act: "set-config-var",
      app: "raxx-console-prod",
      name: "HEROKU_API_KEY",
      value: { authorization: shown.new?.id ?? "" },
    });
    const sent = () =>
      site.sandbox.control.journal
        .list({ vendor: "heroku", effect: "write" })
        .filter(({ path, method }) => path === LAST_COPY.route && method === "PATCH").length;
    const before = sent();
    expect((await stand.choose(await stand.show(shown.run), "settle")).code).toBe(0);
    expect(sent()).toBe(before);
    await stand.expectRotated(shown.run);
  });

  it("[X-14] rollback: every copy holds the old value again, the new key is dead, and another run may begin", async () => {
    const shown = await heldAtTheLastCopy();
    expect((await stand.choose(shown, "rollback")).code).toBe(0);
    const after = await stand.show(shown.run);
    expect([after.status, after.error?.code]).toEqual(["cancelled", "RUN_ROLLED_BACK"]);
    expect(after.state).toMatch(
      /^The old key .+ is in the vault and in every copy again; the new key .+ is proved dead\.$/,
    );
    expect(new Set(Object.values(stand.held()))).toEqual(new Set([shown.old?.id]));
    expect([stand.alive(shown.old?.id), stand.alive(shown.new?.id)]).toEqual([true, false]);
    const next = await type(home, after.next);
    expect([next.code, next.out]).toEqual([0, expect.stringContaining(`lockstep rotate ${SECRET} --plan`)]);
  });

  it("[HK-14][X-12] break-glass, of a compromised key: the old key dies at once, and the run goes on to its end", async () => {
    const shown = await heldAtTheLastCopy("--reason", "compromise");
    expect(shown.choices.map((one) => one.choice)).toEqual(["retry", "settle", "rollback", "break-glass"]);
    expect((await stand.choose(shown, "break-glass")).code).toBe(5);
    expect([stand.alive(shown.old?.id), stand.alive(shown.new?.id)]).toEqual([false, true]);
    const after = await stand.show(shown.run);
    expect(after.state).toMatch(/the old key .+ was ended at once, and what still holds it is refused\.$/);
    expect(after.choices.map((one) => one.choice)).toEqual(["retry", "settle"]);
    expect((await stand.choose(after, "retry")).code).toBe(0);
    await stand.expectRotated(shown.run);
  });
});
