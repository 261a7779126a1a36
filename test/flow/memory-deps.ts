import type { Config } from "../../src/app/config.ts";
import { connectionsOf } from "../../src/app/connections.ts";
import type { RunDeps } from "../../src/app/run-ports.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { HttpVendor } from "../../src/sandbox/world.ts";
import type { Life } from "./life.ts";
import { auditIn, ledgerIn, type MemoryRecord, progressIn } from "./memory-record.ts";

/** What one process of the program works with where its database is memory and its vendors are in process. */
export interface MemoryDeps
  extends Pick<RunDeps, "config" | "sealedFor" | "fingerprint" | "installation" | "stopAsked"> {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  /** What a run finds when it reads the configuration again. */
  readonly current: { readonly config: Config };
  readonly life: Life;
  readonly send: typeof fetch;
  readonly followUp?: RunDeps["followUp"];
}

/** Binds the program to the record in memory and to the simulated vendors. */
export function memoryDeps(parts: MemoryDeps): RunDeps {
  const { config, sandbox, memory, current, life, send } = parts;
  const { github, infisical } = sandbox.control.estate();
  const identity = infisical.identities["lockstep"];
  return {
    config,
    connections: connectionsOf(config, {
      env: {},
      budget: { take: async () => {}, saw: async () => {} },
      fetch: send,
      redirection: {
        pages: {},
        urls: {
          heroku: "http://heroku.sandbox",
          github: "http://github.sandbox",
          infisical: "http://infisical.sandbox",
        },
        credentials: {
          github: { token: github.tokens["rotation"] ?? "" },
          infisical: { clientId: identity?.clientId ?? "", clientSecret: identity?.clientSecret ?? "" },
        },
      },
    }),
    audit: auditIn(memory, life),
    progress: progressIn(memory, life),
    ledger: ledgerIn(memory, life),
    fingerprint: parts.fingerprint,
    sealedFor: parts.sealedFor,
    stopAsked: parts.stopAsked,
    installation: parts.installation,
    frozen: async () => memory.frozen,
    configNow: async () => current.config,
    tasks: {
      open: async (task) => {
        await life.gate();
        if (!memory.tasks.some((one) => one.run === task.run && one.question === task.question))
          memory.tasks.push(task);
      },
    },
    escalate: async (event) => {
      await life.gate();
      memory.escalations.set(event.event, event);
    },
    followUp:
      parts.followUp ??
      (async (run) => {
        await life.gate();
        memory.followUps.add(run);
      }),
  };
}

/** Which of the simulated vendors lives there. */
export function vendorOf(host: string): HttpVendor {
  const name = host.slice(0, host.indexOf("."));
  if (name === "heroku" || name === "github" || name === "infisical") return name;
  throw new Error(`no vendor lives at ${host}`);
}
