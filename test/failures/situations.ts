import { dateAt } from "../flow/date.ts";
import { OLD } from "../flow/expectations.ts";
import { type Run, SECRET, type World, type WorldOptions, world } from "../flow/world.ts";
import type { Met } from "./drive.ts";
import { SHORT_DRAIN } from "./places.ts";
import { truthOf } from "./truth.ts";

/** Something that a person meets, and sets right before anything is decided. */
export interface Situation {
  /** As the document calls it. */
  readonly name: string;
  readonly options?: WorldOptions;
  /** Before the run starts. */
  before?(w: World): void;
  /** When the run first comes to a step. */
  readonly during?: { readonly step: string; readonly happens: (w: World, run: Run) => void };
  mends(met: Pick<Met, "w" | "run">): void | Promise<void>;
}

const KEY = "HEROKU_API_KEY";
const REPOSITORY = "raxx-app/TradeMasterAPI";
/** A little more than the soak. */
const BACK = 31 * 60_000;
const VAULT = { environment: "prod", path: "/MooseQuest/heroku" };
const SHADOW = { repository: REPOSITORY, environment: "production", name: KEY } as const;

function setVar({ sandbox }: World, app: string, name: string, authorization: string | null): void {
  const value = authorization === null ? null : { authorization };
  sandbox.control.act({ act: "set-config-var", app, name, value });
}

/** In the order of the plan. */
export const SITUATIONS: readonly Situation[] = [
  {
    name: "GitHub knows the name in an environment too",
    before: ({ sandbox: { control } }) => {
      control.act({ act: "set-github-secret", ...SHADOW, value: { authorization: OLD } });
    },
    mends: ({ w }) => void w.sandbox.control.act({ act: "set-github-secret", ...SHADOW, value: null }),
  },
  {
    name: "the vault makes a change request of the write",
    before: ({ sandbox: { control } }) => {
      control.set({ infisical: { approvalsCoverIdentities: true } });
      control.act({ act: "set-approval-policy", ...VAULT, on: true });
    },
    mends: ({ w: { sandbox } }) => {
      const [request] = sandbox.control.truth().infisical.projects[0]?.approvals ?? [];
      sandbox.control.act({ act: "decide-approval", id: request?.id ?? "", decision: "merge" });
      sandbox.control.act({ act: "set-approval-policy", ...VAULT, on: false });
    },
  },
  {
    name: "somebody freezes the installation after the vault was written",
    during: {
      step: "store",
      happens: ({ memory }) => {
        memory.frozen = {
          code: "FROZEN",
          message: "kris has frozen this installation",
          because: "no new effect begins until it is lifted; what stands, stands",
          next: "lockstep freeze --lift",
        };
      },
    },
    mends: ({ w }) => {
      w.memory.frozen = undefined;
    },
  },
  {
    name: "an app crashes with the new value",
    before: ({ sandbox }) => {
      const app = "raxx-api-prod";
      sandbox.control.act({ act: "heroku.crashing", app, while: "new value", variable: KEY });
    },
    mends: ({ w }) =>
      void w.sandbox.control.act({ act: "heroku.crashing", app: "raxx-api-prod", while: "never" }),
  },
  {
    name: "a job still runs on the old value when the drain is over",
    options: SHORT_DRAIN,
    before: ({ sandbox }) => {
      const workflow = "deploy-heroku.yml";
      sandbox.control.act({ act: "queue-run", repository: REPOSITORY, workflow, hold: "in_progress" });
    },
    mends: ({ w: { sandbox } }) => {
      const held = sandbox.control
        .truth()
        .github.repositories[0]?.runs.find((one) => one.status !== "completed");
      sandbox.control.act({ act: "finish-run", repository: REPOSITORY, run: String(held?.id) });
    },
  },
  {
    name: "a place that nobody declared holds the old key",
    before: (w) => setVar(w, "raxx-api-prod", "OTHER_KEY", OLD),
    mends: ({ w }) => setVar(w, "raxx-api-prod", "OTHER_KEY", null),
  },
  {
    name: "somebody puts the old key back into a copy",
    during: { step: "tidy", happens: (w) => setVar(w, "raxx-api-staging", KEY, OLD) },
    mends: ({ w, run }) => setVar(w, "raxx-api-staging", KEY, truthOf(w, run).newId ?? null),
  },
  {
    name: "somebody writes the GitHub secret after the run did",
    during: {
      step: "tidy",
      happens: ({ sandbox }) => {
        const value = { authorization: OLD };
        sandbox.control.act({ act: "set-github-secret", repository: REPOSITORY, name: KEY, value });
      },
    },
    // What it holds cannot be read, so nothing that is done there helps this run.
    mends: () => {},
  },
  {
    name: "a destination is added while the run is under way",
    during: {
      step: "mint",
      happens: ({ config, current }) => {
        const changed = structuredClone(config);
        const [wave = []] = changed.secrets[SECRET]?.destinations.slice(-1) ?? [];
        wave.push({ ...structuredClone(wave[0]), fields: { token: "SECOND_COPY" } } as (typeof wave)[number]);
        current.config = changed;
      },
    },
    mends: ({ w }) => {
      w.current.config = w.config;
    },
  },
  {
    name: "this machine's clock is set back to before the last write",
    during: { step: "tidy", happens: ({ clock }) => dateAt(clock.now() - BACK) },
    mends: ({ w }) => w.clock.pass(BACK),
  },
];

/** Carries a run into the situation, until it rests. */
export async function meetSituation({ options, before, during }: Situation): Promise<Met> {
  const w = await world(options);
  before?.(w);
  const run = w.run();
  let happened = 0;
  await run.go({
    asks: () => {
      if (happened > 0 || run.step(during?.step ?? "")?.state !== "acting") return;
      happened += 1;
      during?.happens(w, run);
    },
  });
  return { w, run, died: false, asked: during ? happened : 1, refused: undefined };
}
