import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SECRET, type Shown, type Stand, standOf } from "./cli-estate.ts";
import { type Called, call, errorOf, json, openSite, type Site, type } from "./cli-harness.ts";

const REPOSITORY = "raxx-app/TradeMasterAPI";
const KEY = "HEROKU_API_KEY";
const CHOICES = ["pipe", "done", "decline", "rollback"];
let site: Site;
let home: Called;
let stand: Stand;
beforeAll(async () => {
  site = await openSite();
  home = await site.project((config) => {
    // Only a person may write the repository's secret (DR-13).
    Object.assign(config.secrets[SECRET]?.destinations?.[0]?.[0] ?? {}, { byHand: true });
    return config;
  });
  stand = standOf(site, home);
});
afterAll(() => site?.close());
beforeEach(() => stand.age());

const tokens = () => site.sandbox.control.estate().heroku.tokens;
const tokenOf = (id: string | undefined) => tokens()[id ?? ""] ?? "";

/** A run that waits for its task, as a rotation leaves it. */
async function waiting(...options: string[]): Promise<Shown> {
  const { code, run } = await stand.rotate(...options);
  expect(code).toBe(4);
  return stand.show(run);
}

/** What a person creates at Heroku, described as the task says. */
function createdBy({ task }: Shown): string {
  const description = /-d '([^']+)'/.exec(task?.task.lines.join("\n") ?? "")?.[1] ?? "";
  const made = site.sandbox.control.act({ act: "create-authorization", description, scope: ["global"] });
  return made.id ?? "";
}

function writeByHand(id: string | undefined): void {
  const value = { authorization: id ?? "" };
  site.sandbox.control.act({ act: "set-github-secret", repository: REPOSITORY, name: KEY, value });
}

describe("[X-15] a task can be done from show alone", () => {
  it("[DR-13] show says whose turn it is, what is to be done, and the commands; not done yet is asked again", async () => {
    const shown = await waiting();
    expect(shown.state).toMatch(/^Both keys work; the vault holds the new key /);
    expect(shown.task?.task.title).toBe(`Write the new value of ${SECRET} to github ${REPOSITORY} ${KEY}`);
    const lines = await stand.lines(shown.run);
    expect(lines.slice(0, 5)).toEqual([
      shown.state,
      `next  ${shown.next}`,
      "",
      `YOUR TURN  ${shown.run}`,
      shown.task?.task.title,
    ]);
    const early = await stand.choose(shown, "done");
    expect([early.code, early.out]).toEqual([4, expect.stringContaining("waiting")]);
    const still = await stand.show(shown.run);
    expect(still.task?.task.title).toBe(shown.task?.task.title);
    expect(still.choices.map((one) => one.choice)).toEqual(CHOICES);
  });

  it.each([["--reason", "compromise"], ["--supplied"], ["--take-over", "--because", "it is gone"]])(
    "a run that was started otherwise is not gone on with as if it were what is asked for: %s",
    async (...asked) => {
      const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
      const left = await call(home, "rotate", SECRET, "--yes", "--json", ...asked);
      expect([left.code, errorOf(left).code, errorOf(left).next]).toEqual([
        1,
        "RUN_IN_PROGRESS",
        `lockstep show ${run?.id}`,
      ]);
    },
  );

  it("a command that cannot take the value is named, whatever it prints, and the task stays open", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    const id = run?.id ?? "";
    const bin = path.join(home.dir, "failing");
    mkdirSync(bin);
    const pipe = async () =>
      errorOf(
        await call({ ...home, env: { ...home.env, PATH: bin } }, "answer", id, "--pipe", "--done", "--json"),
      );
    expect(await pipe()).toMatchObject({ code: "ANSWER_REFUSED", message: "gh could not be started" });
    expect((await call(home, "audit", id, "--json")).out).not.toContain('"value.revealed"');
    writeFileSync(path.join(bin, "gh"), "#!/bin/sh\necho sign in first\nexit 4\n", { mode: 0o755 });
    expect(await pipe()).toMatchObject({ code: "ANSWER_REFUSED", message: "gh ended with 4" });
    expect((await stand.show(id)).choices.map((one) => one.choice)).toEqual(CHOICES);
  });

  it("[P7] a value is shown on a terminal alone: without one exit 2, and what can be done instead", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    const left = await call({ ...home, detached: true }, "answer", run?.id ?? "", "--reveal", "--json");
    expect([left.code, errorOf(left).code]).toEqual([2, "CONFIRMATION_NEEDED"]);
    expect(errorOf(left).next).toMatch(/--pipe --done {4}/);
  });

  it("[P7][DR-13] the value goes into the stdin of the command that the task names, and nowhere else", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    const shown = await stand.show(run?.id ?? "");
    const bin = path.join(home.dir, "bin");
    mkdirSync(bin);
    const seen = path.join(home.dir, "seen");
    // Stands for GitHub's own program: what it was called with, and a hash of what it read.
    writeFileSync(
      path.join(bin, "gh"),
      `#!/bin/sh\necho "$@" > ${seen}\nsha256sum | cut -c1-64 >> ${seen}\n`,
      { mode: 0o755 },
    );
    writeByHand(shown.new?.id);
    const where = { ...home, env: { ...home.env, PATH: `${bin}:${process.env["PATH"]}` } };
    expect(shown.next).toMatch(/--pipe --done {4}/);
    const left = await type(where, shown.next);
    expect(left.code).toBe(0);
    const [args, hash] = readFileSync(seen, "utf8").split("\n");
    expect(args).toBe(`secret set ${KEY} --repo ${REPOSITORY}`);
    expect(hash).toBe(createHash("sha256").update(tokenOf(shown.new?.id)).digest("hex"));
    expect(left.out + left.err).not.toContain(tokenOf(shown.new?.id));
    await stand.expectRotated(shown.run);
    const audit = await call(home, "audit", shown.run, "--json");
    expect(audit.out).toContain('"value.revealed"');
    expect(audit.out).not.toContain(tokenOf(shown.new?.id));
  });

  it("[X-14] declined: the run is held, and rolling back asks nobody for what was never written", async () => {
    const shown = await waiting();
    const declined = await stand.choose(shown, "decline");
    expect([declined.code, declined.out]).toEqual([5, expect.stringContaining("OPERATOR_DECLINED")]);
    const held = await stand.show(shown.run);
    expect(held.status).toBe("held");
    const unsure = await call(home, "rollback", shown.run, "--json");
    expect([unsure.code, errorOf(unsure)]).toEqual([
      2,
      expect.objectContaining({
        code: "CONFIRMATION_NEEDED",
        next: `lockstep rollback ${shown.run} --confirm ${SECRET}`,
      }),
    ]);
    expect((await stand.choose(held, "rollback")).code).toBe(0);
    const after = await stand.show(shown.run);
    expect([after.status, after.error?.code]).toEqual(["cancelled", "RUN_ROLLED_BACK"]);
    expect(stand.held()["vault"]).toBe(shown.old?.id);
  });
});

it("[HK-14] [X-14] a task does not keep anybody from rolling back: show offers it, and it is done at once", async () => {
  const shown = await waiting();
  expect((await stand.choose(shown, "rollback")).code).toBe(0);
  const after = await stand.show(shown.run);
  expect([after.status, after.error?.code]).toEqual(["cancelled", "RUN_ROLLED_BACK"]);
  expect(new Set(Object.values(stand.held()))).toEqual(new Set([shown.old?.id]));
  expect([stand.alive(shown.old?.id), stand.alive(shown.new?.id)]).toEqual([true, false]);
});

describe("[HK-24] rotate --supplied", () => {
  it("[X-08] is given its value by --stdin: what is not a key is refused, and shown nowhere", async () => {
    const shown = await waiting("--supplied");
    expect(shown.next).toMatch(/--stdin {4}/);
    const wrong = "p".repeat(40);
    const left = await type(home, shown.next, `${wrong}\n`);
    expect([left.code, left.err]).toEqual([1, expect.stringContaining("ANSWER_REFUSED")]);
    expect(left.out + left.err).not.toContain(wrong);
    const empty = await type(home, shown.next, "");
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining("ANSWER_REFUSED")]);
    const still = await stand.show(shown.run);
    expect([still.status, still.task?.claimedBy?.name]).toEqual(["waiting", expect.any(String)]);
    expect(await stand.lines(shown.run)).toContain(`Taken by ${still.task?.claimedBy?.name}.`);
  });

  it("a flag that does not answer this task is refused before anybody takes it: exit 2, and the one that does", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    for (const flags of [
      ["--done"],
      ["--typed", "yes"],
      ["--pipe"],
      ["--reveal"],
      ["--stdin", "--decline"],
    ]) {
      const left = await call(home, "answer", run?.id ?? "", ...flags, "--json");
      expect([flags, left.code, errorOf(left).code]).toEqual([flags, 2, "USAGE"]);
      expect(errorOf(left).next).toContain("--stdin");
    }
  });

  it("[X-08] of two answers at once the run takes one, and ends with exactly that key", async () => {
    const [run] = json<{ runs: { id: string }[] }>(await call(home, "runs", "--json")).runs;
    const shown = await stand.show(run?.id ?? "");
    const id = createdBy(shown);
    const both = await Promise.all([1, 2].map(() => type(home, shown.next, `${tokenOf(id)}\n`)));
    for (const left of both) {
      expect(left.out + left.err).not.toContain(tokenOf(id));
      // One that comes so late that the run asks for the next task already gives what that one does not take.
      if (left.code !== 4) expect(left.err).toMatch(/TASK_TAKEN|RUN_NOT_WAITING|--stdin does not answer/);
    }
    expect(both.some((left) => left.code === 4)).toBe(true);
    const asks = await stand.show(shown.run);
    expect([asks.new?.id, asks.task?.task.title]).toEqual([id, expect.stringContaining("github")]);
    writeByHand(id);
    expect((await call(home, "answer", shown.run, "--done", "--json")).code).toBe(0);
    await stand.expectRotated(shown.run);
  });

  it("declined before anything was written: the run ends, and the next command starts another", async () => {
    const before = stand.held();
    const shown = await waiting("--supplied");
    expect((await stand.choose(shown, "decline")).code).toBe(1);
    const after = await stand.show(shown.run);
    expect([after.status, after.error?.code]).toEqual(["failed", "OPERATOR_DECLINED"]);
    expect(stand.held()).toEqual(before);
    expect(after.next).toBe(`lockstep rotate ${SECRET} --supplied`);
    const next = await type(home, after.next);
    // Without a terminal it names the flag that it needs, with all that was asked for.
    expect([next.code, next.err]).toEqual([
      2,
      expect.stringContaining(`lockstep rotate ${SECRET} --supplied --yes`),
    ]);
  });

  it("plan --supplied shows what would happen, whom it needs, and the command that does exactly that", async () => {
    const plan = await call(home, "plan", SECRET, "--supplied");
    expect(plan.out).toMatch(/A person is asked at step \d+, \d+\./);
    const [, command = ""] = /^ {2}(lockstep rotate .+)$/m.exec(plan.out) ?? [];
    const run = await type(home, `${command} --yes --json`);
    expect(run.code).toBe(4);
    const cancelled = await call(home, "cancel", json<{ run: string }>(run).run, "--json");
    expect([cancelled.code, json(cancelled)["status"]]).toEqual([0, "cancelled"]);
  });
});
