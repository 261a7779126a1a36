import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { type Control, createControl } from "./control.ts";
import { type Estate, raxxEstate } from "./estate.ts";
import { foundEstate, type States } from "./found.ts";
import { sealingReady } from "./github/sealing.ts";
import type { GithubState } from "./github/state.ts";
import { githubVendor } from "./github/vendor.ts";
import { type HerokuState, tokenAccepted } from "./heroku/state.ts";
import { herokuVendor } from "./heroku/vendor.ts";
import { runActiveSyncs } from "./infisical/pushing.ts";
import type { InfisicalState } from "./infisical/state.ts";
import { infisicalVendor } from "./infisical/vendor.ts";
import { type MailDoor, mailDoor } from "./mail/door.ts";
import type { MailState } from "./mail/state.ts";
import { outsideOf } from "./outside.ts";
import { pipeline } from "./pipeline.ts";
import type { SlackState } from "./slack/state.ts";
import { slackVendor } from "./slack/vendor.ts";
import { readStateFile, writeStateFile } from "./state-file.ts";
import type { HttpVendor, Vendor, World } from "./world.ts";

/** Simulated vendors with state: the truth about them, the control over them, and the way in for clients. */
export interface Sandbox {
  /** Heroku as it is now, values included. */
  readonly heroku: HerokuState;
  readonly github: GithubState;
  readonly infisical: InfisicalState;
  readonly slack: SlackState;
  readonly mail: MailState;
  /** Where mail is taken; a socket carries it only when the sandbox is served. */
  readonly smtp: MailDoor;
  readonly control: Control;
  /** Sends a request to a vendor in process; a broken connection throws as `fetch` does. */
  fetch(vendor: HttpVendor, request: Request): Promise<Response>;
}

/** What a sandbox is made of; time and chance come from outside, so that a run can be repeated. */
export interface SandboxOptions {
  estate?: Estate;
  now?: () => number;
  random?: (bytes: number) => Buffer;
  sleep?: (ms: number) => Promise<void>;
  /** False where no reply is to lag behind: the states before each write are not kept then, which is costly. */
  remembers?: boolean;
  /** The state is kept here and taken up again, the estate then being ignored. */
  stateFile?: string;
}

/** Creates a sandbox, or takes up the one that the state file holds. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  await sealingReady();
  const { stateFile, remembers = true } = options;
  const world: World = {
    now: options.now ?? Date.now,
    random: options.random ?? randomBytes,
    sleep: options.sleep ?? ((ms) => wait(ms)),
    herokuAccepts: (token, at) => tokenAccepted(states.heroku, token, at),
  };
  const states: States =
    (stateFile === undefined ? null : readStateFile(stateFile)) ??
    foundEstate(options.estate ?? raxxEstate(), world);
  const heroku = herokuVendor(states.heroku);
  const github = githubVendor(states.github);
  const infisical = infisicalVendor(states.infisical);
  const slack = slackVendor(states.slack);
  const outside = outsideOf(states, world);
  const changed = () => {
    runActiveSyncs(states.infisical, outside, world.now());
    if (stateFile !== undefined) writeStateFile(stateFile, states);
  };
  const settle = () => {
    heroku.settle(states.heroku, world);
    github.settle(states.github, world);
  };
  changed();
  const { control, ...parts } = createControl(states, world, { settle, changed });
  const enter = <S extends object>(vendor: Vendor<S>) =>
    pipeline(vendor, { world, changed, remembers, ...parts });
  const entrances = {
    heroku: enter(heroku),
    github: enter(github),
    infisical: enter(infisical),
    slack: enter(slack),
  };
  // Reading the truth lets what is due happen first, so that a test never sees a state that no client could see.
  return {
    get heroku() {
      settle();
      return states.heroku;
    },
    get github() {
      settle();
      return states.github;
    },
    get infisical() {
      return states.infisical;
    },
    slack: states.slack,
    mail: states.mail,
    smtp: mailDoor(states.mail, { world, changed, ...parts }),
    control,
    fetch: (vendor, request) => entrances[vendor](request),
  };
}
