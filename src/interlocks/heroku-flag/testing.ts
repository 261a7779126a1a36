import type { CallRecord } from "../../core/calls.ts";
import type { Interlock, Position } from "../../core/interlock.ts";
import type { HerokuAct } from "../../sandbox/heroku/acts.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { clockOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { HerokuFlagConfig } from "./config.ts";
import { herokuFlag } from "./interlock.ts";

/** The app and the flag of these tests. */
export const APP = "raxx-api-prod";
export const FLAG = "TRADING_LIVE_DISABLED";

/** What a text of the flag means to the app. */
export function meaningOf(text: string | undefined): Position | "unknown" {
  if (text === "1") return "closed";
  return text === undefined || text === "" || text === "0" ? "open" : "unknown";
}

/** A sandbox under a virtual clock with an interlock on one of its apps. */
export async function flagWorld() {
  const world = await testSandbox();
  const { control } = world.sandbox;
  const token = control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
  const app = () => {
    const found = world.sandbox.heroku.apps.find(({ name }) => name === APP);
    if (!found) throw new Error("no app");
    return found;
  };
  const recorded: CallRecord[] = [];
  return {
    ...world,
    control,
    /** What the record has of the calls. */
    recorded,
    app,
    act: (act: HerokuAct) => control.act(act),
    set: (text: string) => control.act({ act: "set-config-var", app: APP, name: FLAG, value: { text } }),
    patches: () => control.journal.list().filter(({ method }) => method === "PATCH").length,
    /** An interlock that is searched for every value of the app; `bare` is not, and leaves its calls to whoever collects them. */
    connect(change: Partial<HerokuFlagConfig> = {}, bare = false): Interlock {
      const send = (request: Request) => world.sandbox.fetch("heroku", request);
      const config = herokuFlag.config.parse({ app: APP, appId: RAXX.apps[APP], name: FLAG, ...change });
      const deps = {
        client: heroku.connect(testConnection(send, world.clock, { token })),
        fingerprint: testFingerprint,
        clock: clockOf(world.clock),
      };
      const held = Object.values(app().releases.at(-1)?.config ?? {}).filter((one) => one.length > 20);
      const flag = herokuFlag.connect(config, deps);
      return bare ? flag : watched(flag, [token, ...held], recorded);
    },
  };
}

/** The world of these tests. */
export type FlagWorld = Awaited<ReturnType<typeof flagWorld>>;
