import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CONFIG_FILE } from "../../app/load-config.ts";
import { LockstepError } from "../../core/errors.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";

/** `lockstep init`: a first configuration to fill in, or with `--sandbox` one to try; never overwrites one. */
export async function init(_io: Io, options: Common): Promise<Result> {
  const file = path.resolve(options.config ?? CONFIG_FILE);
  try {
    writeFileSync(file, options.sandbox ? example() : TEMPLATE, { flag: "wx" });
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw new LockstepError(
      {
        code: exists ? "USAGE" : "HOME_NOT_WRITABLE",
        message: exists ? `${path.basename(file)} is there already` : `${file} cannot be written`,
        because: exists
          ? "a configuration is never overwritten"
          : "this directory takes no new file from this user",
        next: exists ? "lockstep doctor" : "lockstep init    in a directory that you may write",
      },
      { cause },
    );
  }
  if (options.sandbox) {
    const says = `Wrote ${path.basename(file)}, a whole estate that the simulated vendors serve. Nothing real is reached.`;
    return { exit: EXIT.done, json: { file }, text: `${says}\nnext  lockstep plan heroku-api-key` };
  }
  const text = [
    `Wrote ${path.basename(file)}. Fill in what is marked with <>, then:`,
    "  lockstep doctor                 checks it, this machine and every vault entry",
    "  lockstep plan heroku-api-key    shows what a rotation would do",
    "Keep .lockstep/ out of version control.",
  ].join("\n");
  return { exit: EXIT.done, json: { file }, text };
}

/** The example of the package: above the sources of a clone, and above what the compiler made of them. */
function example(): string {
  for (let dir = import.meta.dirname; ; dir = path.dirname(dir)) {
    const found = path.join(dir, "examples", "raxx", CONFIG_FILE);
    if (existsSync(found)) return readFileSync(found, "utf8");
    if (dir === path.dirname(dir)) throw new Error("the example is not in the package");
  }
}

const TEMPLATE = `import { defineConfig, env } from "lockstep";

export default defineConfig({
  connections: {
    heroku: { vendor: "heroku", credential: { secret: "heroku-api-key" } },
    github: { vendor: "github", credential: { token: env("GITHUB_API_SECRETS_TOKEN") } },
    infisical: {
      vendor: "infisical",
      credential: { clientId: env("INFISICAL_CLIENT_ID"), clientSecret: env("INFISICAL_CLIENT_SECRET") },
    },
  },
  secrets: {
    "heroku-api-key": {
      system: "Heroku Platform API",
      owner: "<who answers for it>",
      role: "ops",
      environment: "production",
      cadence: "90d",
      issuer: {
        kind: "heroku-authorization",
        connection: "heroku",
        account: "<the account's email address>",
        scope: ["global"],
        description: "ci-rotation-{YYYY-MM}",
        // Authorizations that belong to others, by id: never ended by a rotation of this secret.
        known: [],
      },
      vault: {
        kind: "infisical",
        connection: "infisical",
        project: "<project id>",
        environment: "prod",
        path: "/",
        fields: { token: "HEROKU_API_KEY" },
      },
      // Waves, in the order in which they are written: CI first, then apps, staging before production.
      destinations: [
        [
          {
            kind: "github-actions-secret",
            connection: "github",
            repository: "<owner>/<repository>",
            fields: { token: "HEROKU_API_KEY" },
          },
        ],
      ],
    },
  },
});
`;
