import { expect, it } from "vitest";
import { instantOf } from "../../src/core/time.ts";
import { runTag } from "../../src/db/runs.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { seededRandom } from "../../src/sandbox/testing.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { newKeyRing } from "../../src/sealing/key-ring.ts";
import { emptyRecord } from "../flow/memory-journal.ts";
import { emptyMemory } from "../flow/memory-record.ts";
import { ACTOR, claimAll, INSTALLATION, SECRET } from "../flow/world.ts";
import { groundOf } from "./estate.ts";
import { oracleOf } from "./oracle.ts";
import { prepared } from "./situations.ts";
import { KEY, SWITCH } from "./truth.ts";
import { newWorker } from "./worker.ts";

const START = Date.UTC(2026, 10, 21, 8, 30);
const OLD = RAXX.currentAuthorization;
const OTHERS = "059730bb-4f9c-47a2-b6e1-d83f5c20a974";
const APP = RAXX.apps["raxx-api-prod"];
const AUTHORIZATIONS = "/oauth/authorizations";

type Stage = Awaited<ReturnType<typeof stage>>;

/** A run that has announced all that it may do, and an oracle that watches; requests are sent as by that run. */
async function stage(runbook = "overlap@1") {
  let now = START;
  const ground = groundOf("lean");
  const sandbox = await createSandbox({
    estate: ground.estate,
    now: () => now,
    sleep: async () => {},
    random: seededRandom("oracle"),
  });
  claimAll(sandbox, ground.config, INSTALLATION);
  const memory = emptyMemory();
  const fingerprint = fingerprinter(await newKeyRing());
  const situation = prepared(runbook, { sandbox, memory, ground, fingerprint, now });
  const id = `${SECRET}.rotate.1`;
  const run = {
    id,
    tag: runTag(INSTALLATION, id),
    plan: situation.plan,
    kept: emptyRecord(),
    done: false,
  };
  const announce = (step: string) =>
    memory.audit.push({
      action: "secret.rotate.intended",
      actor: ACTOR,
      run: id,
      step,
      context: {},
      at: instantOf(now),
    });
  for (const step of ["mint", "store", "propagate/heroku:raxx-api-prod:HEROKU_API_KEY", "revoke"])
    announce(step);
  const oracle = oracleOf({ sandbox, memory, situation, now: () => now, runs: () => [run] });
  const token = (authorization: string) => sandbox.control.estate().heroku.tokens[authorization] ?? "";
  oracle.begins(run, "revoke/act/1");
  return {
    run,
    sandbox,
    oracle,
    token,
    announce,
    quiet: () => memory.audit.splice(0),
    pass: (ms: number) => {
      now += ms;
    },
    send: async (method: string, path: string, body?: unknown, as: string = OLD) => {
      const sending = { worker: newWorker("worker 1"), vendor: "heroku", method, path } as const;
      oracle.sent(sending, false);
      const headers = {
        authorization: `Bearer ${token(as)}`,
        accept: "application/vnd.heroku+json; version=3",
        "content-type": "application/json",
      };
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const reply = await sandbox.fetch("heroku", new Request(`http://heroku.sandbox${path}`, init));
      expect(reply.ok).toBe(true);
      oracle.landed(sending);
      return (await reply.json()) as { id: string; access_token: { token: string } };
    },
  };
}

const mint = (s: Stage, scope = "global", description = `raxx-ci-rotation-2026-11 ${s.run.tag}`) =>
  s.send("POST", AUTHORIZATIONS, { description, scope: [scope] });

const write = (s: Stage, value: string, name = KEY, app: string = APP) =>
  s.send("PATCH", `/apps/${app}/config-vars`, { [name]: value });

/** What breaks a promise, and what an oracle must say of it. */
const WRONGS: readonly (readonly [says: RegExp, does: (s: Stage) => Promise<unknown>])[] = [
  [/P10: ended claude-code-2026/, (s) => s.send("DELETE", `${AUTHORIZATIONS}/${OTHERS}`)],
  [
    /P2: ended a key that the vault's HEROKU_API_KEY holds/,
    (s) => s.send("DELETE", `${AUTHORIZATIONS}/${OLD}`),
  ],
  [/P2: the end of a key left/, (s) => s.send("DELETE", `${AUTHORIZATIONS}/${OLD}`)],
  [/P1: web.1 of raxx-api-prod is refused/, (s) => s.send("DELETE", `${AUTHORIZATIONS}/${OLD}`)],
  [/P1: the vault holds no key that works/, (s) => s.send("DELETE", `${AUTHORIZATIONS}/${OLD}`)],
  [
    /P1: ended 60 s after the last write, the plan promises 1800 s/,
    async (s) => {
      await write(s, (await mint(s)).access_token.token);
      s.pass(60_000);
      await s.send("DELETE", `${AUTHORIZATIONS}/${OLD}`);
    },
  ],
  [/P6: created .* \(read\), which no plan asks for/, (s) => mint(s, "read")],
  [/P6: created something else/, (s) => mint(s, "global", "something else")],
  [/P6: .* wrote heroku .* LOG_LEVEL, which no plan names/, (s) => write(s, "debug", "LOG_LEVEL")],
  [/P5: .* turned a kill switch/, (s) => write(s, "0", SWITCH)],
  [/P6: .* put a value into heroku .* that is not this secret's/, (s) => write(s, s.token(OTHERS))],
  [
    /P6: .* was sent as 059730bb/,
    (s) => s.send("PATCH", `/apps/${APP}/config-vars`, { [KEY]: s.token(OLD), X: "1" }, OTHERS),
  ],
  [
    /P10: PATCH .* is in no plan/,
    async (s) => {
      const { id = "" } = s.sandbox.control.act({ act: "heroku.create-app", name: "somebody-elses" });
      s.oracle.disturbed();
      await write(s, s.token(OLD), KEY, id);
    },
  ],
  [
    /P1: web.1 of raxx-api-prod runs with a value that never worked/,
    async (s) => {
      await write(s, "not a key");
      s.pass(120_000);
      s.oracle.stirred();
    },
  ],
  [
    /P9: POST .* was not announced/,
    (s) => {
      s.quiet();
      return mint(s);
    },
  ],
];

it.each(WRONGS)("is seen: %s", async (says, does) => {
  const s = await stage();
  await does(s);
  expect(s.oracle.violations.join("\n")).toMatch(says);
});

it("[X-01] a run that only reads has no write in its plan", async () => {
  const s = await stage("test@1");
  await mint(s);
  expect(s.oracle.violations.join("\n")).toMatch(/P10: POST .* is in no plan/);
});

it("what a plan names is no wrong", async () => {
  const s = await stage();
  const { access_token } = await mint(s);
  await write(s, access_token.token);
  s.pass(120_000);
  s.oracle.stirred();
  expect(s.oracle.violations).toEqual([]);
});
