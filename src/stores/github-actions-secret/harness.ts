import type { Receipt, Store } from "../../core/store.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { github } from "../../vendors/github/client.ts";
import { clockOf, secretsOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { GithubActionsSecretConfig } from "./config.ts";
import { githubActionsSecret } from "./store.ts";

/** The value that the tests write. */
export const TEXT = "HRKU-new-value-of-the-test";
/** The same as the credential's one field. */
export const NEW = secretsOf({ token: TEXT });
/** The secret, and the repository that it is in. */
export const NAME = "HEROKU_API_KEY";
/** See {@link NAME}. */
export const REPOSITORY = "raxx-app/TradeMasterAPI";
/** Headers of a reply that is GitHub's own. */
export const OWN = { "x-github-request-id": "AB12" };
/** The configuration that the tests change. */
export const CONFIG = {
  repository: REPOSITORY,
  repositoryId: RAXX.repositoryId,
  fields: { token: NAME },
};
/** The proof workflow of the sandbox's repository. */
export const PROOF = { workflow: "lockstep-proof.yml", ref: "main" };

/** How a store of a test is connected. */
interface Connected {
  /** Name of the token in the sandbox. */
  readonly token?: string;
  /** What GitHub's replies name as their time. */
  readonly date?: () => Date;
  /** Changes a reply on its way. */
  readonly on?: (request: Request, response: Response) => Response;
}

/** A sandbox, and stores that are connected to it; every answer is searched for the values. */
export async function bench() {
  const world = await testSandbox();
  const { control, fetch } = world.sandbox;
  function connect(change: Partial<GithubActionsSecretConfig> = {}, how: Connected = {}): Store {
    const token = control.estate().github.tokens[how.token ?? "rotation"] ?? "";
    const connection = testConnection(
      async (request) => {
        const response = await world.sandbox.fetch("github", request);
        if (how.date !== undefined) response.headers.set("date", how.date().toUTCString());
        return how.on?.(request, response) ?? response;
      },
      world.clock,
      { token },
    );
    const config = githubActionsSecret.config.parse({ ...CONFIG, ...change });
    const deps = {
      client: github.connect(connection),
      fingerprint: testFingerprint,
      clock: clockOf(world.clock),
      copy: "github",
      steadyMs: 0,
    };
    return watched(githubActionsSecret.connect(config, deps), [token, TEXT]);
  }
  return {
    ...world,
    control,
    fetch,
    connect,
    /** How many requests of that method, and of that kind of path, GitHub has seen. */
    calls: (method?: string, path = "") =>
      control.journal
        .list()
        .filter((one) => (method === undefined || one.method === method) && one.path.includes(path)).length,
    held: () => world.sandbox.github.repositories[0]?.secrets.find((one) => one.name === NAME)?.value,
    runs: () => control.truth().github.repositories[0]?.runs ?? [],
    /** Somebody puts a secret there; null takes it away. */
    put: (place: object, value: string | null, name = NAME) =>
      control.act({
        act: "set-github-secret",
        repository: REPOSITORY,
        name,
        value: value === null ? null : { text: value },
        ...place,
      }),
  };
}

/** The receipt of a write that must succeed. */
export async function written(store: Store): Promise<Receipt> {
  const outcome = await store.write(NEW);
  if (outcome.is !== "done") throw new Error(outcome.trouble.message);
  return outcome.value;
}
