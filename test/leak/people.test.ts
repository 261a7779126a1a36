import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, type Stage, setStage } from "./stage.ts";

const SECRET = "heroku-api-key";
const REPOSITORY = "raxx-app/TradeMasterAPI";
let stage: Stage;
beforeAll(async () => {
  stage = await setStage((config) =>
    config.replace("repositoryId:", 'proof: { workflow: "lockstep-proof.yml", ref: "main" }, repositoryId:'),
  );
});
afterAll(() => stage.close());

const run = (line: string, input?: string) =>
  stage.run([...line.split(" "), "--sandbox"], input === undefined ? {} : { input });
const answerOf = ({ stdout }: Ended) => JSON.parse(stdout) as { run: string; status: string };
const sink = async (name: string) =>
  (await stage.sinks()).find((one) => one.name === name)?.bytes.toString() ?? "";
const tokenOf = (id: string) => stage.sandbox.heroku.authorizations.find((one) => one.id === id)?.token ?? "";

describe("[HK-12] what people and vendors are told", () => {
  it("[P7] [X-05] messages about a held run, to Slack and by mail, hold no value", async () => {
    const fault = { kind: "status", vendor: "heroku", method: "PATCH", status: 403, count: null } as const;
    stage.sandbox.control.addFault(fault);
    const held = answerOf(await run(`rotate ${SECRET} --yes --json`));
    stage.sandbox.control.clearFaults();
    expect(held.status).toBe("held");
    for (const name of ["slack messages", "mail messages"]) expect(await sink(name)).toContain(held.run);
    expect(await sink("table lockstep.notice")).toContain(held.run);
    expect(await stage.leaks()).toEqual([]);
    expect((await run(`resolve ${held.run} --retry`)).exit).toBe(0);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] [X-06] the proof's job is asked by a nonce, and the claim says who: neither holds a value", async () => {
    const inputs = stage.sandbox.github.repositories.flatMap((one) => one.runs.map((job) => job.inputs));
    const proofs = inputs.filter((one) => "nonce" in one);
    expect(proofs).toEqual([{ nonce: expect.stringMatching(/^[0-9a-f]{32,64}$/), secret: "HEROKU_API_KEY" }]);
    expect(await sink("github runs")).toContain(proofs[0]?.["nonce"]);
    expect(await sink("vault claims")).toContain("HEROKU_API_KEY");
    expect(await sink("requests as vendors log them")).toContain("/actions/workflows/");
  });

  it("[P7] [X-08] what a person pastes is sealed at once, also what was pasted by mistake", async () => {
    for (const one of stage.sandbox.heroku.authorizations) one.createdAt -= 25 * 3_600_000;
    const waiting = answerOf(await run(`rotate ${SECRET} --supplied --yes --json`));
    expect(waiting.status).toBe("waiting");
    const shown = await run(`show ${waiting.run} --json`);
    const description = /-d \\"([^"]+)\\"/.exec(shown.stdout)?.[1] ?? "";
    const act = { act: "create-authorization", description } as const;
    const id = stage.sandbox.control.act({ ...act, scope: ["global"] }).id ?? "";
    const wrong = stage.sandbox.github.tokens[0]?.token ?? "";
    expect((await run(`answer ${waiting.run} --stdin`, `${wrong}\n`)).exit).toBe(1);
    expect(await stage.leaks()).toEqual([]);
    // Heroku does not say whose it is, so that it stays a paste; and the process that took it dies.
    const fault = { kind: "status", vendor: "heroku", method: "GET", status: 503, count: null } as const;
    stage.sandbox.control.addFault({ ...fault, route: "/account" });
    const words = ["answer", waiting.run, "--stdin", "--sandbox"];
    const answering = stage.start(words, { input: `${tokenOf(id)}\n` });
    while (!stage.sandbox.control.journal.list({ vendor: "heroku" }).some((one) => one.status === 503))
      await sleep(20);
    answering.process.kill("SIGKILL");
    await answering.ended;
    stage.sandbox.control.clearFaults();
    expect(await sink("table lockstep.sealed")).toMatch(/,"?pasted\//);
    expect(await sink("table lockstep.task")).toContain(waiting.run);
    expect(await stage.leaks()).toEqual([]);
    const left = await run(`rotate ${SECRET} --yes --json`);
    expect([left.exit, answerOf(left).status]).toEqual([0, "completed"]);
    expect(await sink("table lockstep.sealed")).toBe("");
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] [DR-13] no copy was forgotten: each holds what was pasted", () => {
    const { github, heroku } = stage.sandbox.control.truth();
    const repository = github.repositories.find((one) => one.name === REPOSITORY);
    const holds = [repository?.secrets, ...heroku.apps.map((one) => one.config)].map(
      (place) => place?.["HEROKU_API_KEY"]?.holds,
    );
    expect(new Set(holds).size).toBe(1);
  });
});
