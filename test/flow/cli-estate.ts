import { expect } from "vitest";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { type Called, call, json, type Left, type Site, type } from "./cli-harness.ts";

export const SECRET = "heroku-api-key";

/** What `lockstep show --json` says, as far as these tests read it. */
export interface Shown {
  readonly run: string;
  readonly status: string;
  readonly state: string;
  readonly next: string;
  readonly choices: readonly { choice: string; command: string; means: string }[];
  readonly task: { task: { title: string; lines: string[] }; claimedBy?: { name: string } } | null;
  readonly frozen: { reason: string; by: { name: string } } | null;
  readonly parked: string | null;
  readonly findings: readonly { severity: string; says: string; next: string }[];
  readonly new: { id: string } | null;
  readonly old: { id: string } | null;
  readonly error?: { code: string };
}

/** The last copy that a rotation writes. */
export const LAST_COPY = {
  vendor: "heroku",
  method: "PATCH",
  route: `/apps/${RAXX.apps["raxx-console-prod"]}/config-vars`,
} as const;

/** How one installation and its estate stand. */
export interface Stand {
  show(run: string): Promise<Shown>;
  /** The same for people: its lines. */
  lines(run: string): Promise<readonly string[]>;
  /** Types one of the printed commands into a shell. */
  choose(shown: Shown, choice: string, stdin?: string): Promise<Left>;
  /** Starts a rotation and gives the run that it leaves. */
  rotate(...options: string[]): Promise<{ readonly code: number | null; readonly run: string }>;
  /** Which authorization each place holds: vault, repository, apps. */
  held(): Readonly<Record<string, string | null>>;
  alive(id: string | undefined): boolean;
  /** The key of a rotation that has just ended would stop the next one (HK-13): they grow a day older. */
  age(): void;
  /** Everything that a completed rotation must leave, by what is true at the vendors. */
  expectRotated(run: string): Promise<void>;
}

/** Reads an installation through its commands, and the estate through the sandbox's ground truth. */
export function standOf({ sandbox: { control, heroku } }: Site, where: Called): Stand {
  const owner = (one: { holds: string | null } | undefined) => one?.holds ?? null;
  const stand: Stand = {
    show: async (run) => json<Shown & Record<string, unknown>>(await call(where, "show", run, "--json")),
    lines: async (run) => (await call(where, "show", run)).out.split("\n"),
    choose: (shown, choice, stdin) => {
      const found = shown.choices.find((one) => one.choice === choice);
      if (!found) throw new Error(`${choice} is not offered: ${JSON.stringify(shown.choices)}`);
      return type(where, found.command, stdin);
    },
    rotate: async (...options) => {
      const left = await call(where, "rotate", SECRET, "--yes", "--json", ...options);
      return { code: left.code, run: json<{ run: string }>(left).run };
    },
    held: () => {
      const truth = control.truth();
      const project = truth.infisical.projects.find((one) => one.id === RAXX.projectId);
      const repository = truth.github.repositories.find((one) => one.id === RAXX.repositoryId);
      return {
        vault: owner(project?.secrets.find((one) => one.key === "HEROKU_API_KEY")),
        github: owner(repository?.secrets["HEROKU_API_KEY"]),
        ...Object.fromEntries(
          truth.heroku.apps.map((app) => [app.name, owner(app.config["HEROKU_API_KEY"])]),
        ),
      };
    },
    alive: (id) => control.truth().heroku.authorizations.some((one) => one.id === id && one.alive),
    age: () => {
      for (const one of heroku.authorizations) one.createdAt -= 25 * 3_600_000;
    },
    expectRotated: async (run) => {
      const after = await stand.show(run);
      expect([after.status, after.state]).toEqual([
        "completed",
        expect.stringMatching(
          /^The new key .+ is in the vault and in every copy; the old key .+ is proved dead\.$/,
        ),
      ]);
      expect(new Set(Object.values(stand.held()))).toEqual(new Set([after.new?.id]));
      expect([stand.alive(after.new?.id), stand.alive(after.old?.id)]).toEqual([true, false]);
      expect((await type(where, after.next)).code).toBe(0);
    },
  };
  return stand;
}
