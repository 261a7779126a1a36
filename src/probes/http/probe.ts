import { type AdapterDeps, defineProbe } from "../../core/adapter.ts";
import type { Trouble } from "../../core/errors.ts";
import type { Proof } from "../../core/outcome.ts";
import { type Failure, outcomeOf, type Reply } from "../../vendors/reply.ts";
import type { WebClient } from "../../vendors/web/client.ts";
import { type HttpProbeConfig, httpProbeConfig } from "./config.ts";

type Config = HttpProbeConfig;
type Deps = AdapterDeps<WebClient>;

/** A page that answers as declared. With `json` it can prove and refute; by its status alone it can only prove, and weakly. */
export const httpProbe = defineProbe({
  kind: "http",
  vendor: "web",
  config: httpProbeConfig,
  capabilities: ({ json }) => ({ refutes: json !== undefined, ownShape: json !== undefined }),
  describe: ({ path, json }) => ({
    target: `GET ${path.split("?")[0]}`,
    remarks:
      json === undefined ? ["only its status is looked at, which anything before it could answer"] : [],
  }),
  connect: (config, deps: Deps) => ({ look: () => look(config, deps) }),
});

async function look(config: Config, { client, clock }: Deps): Promise<Proof> {
  const place = client.placeOf(config.path);
  const page = await client.page(config.path);
  if (page.is !== "done") return unseen(page);
  const { status } = page.value;
  if (status !== config.status)
    return { is: "unknown", trouble: foreign(`${place} answered ${status}, not ${config.status}`) };
  const answered = `${place} answered ${status}`;
  if (config.json === undefined) return { is: "proved", at: clock.now(), says: answered };
  return judged(config.json, page.value, answered, clock.now());
}

/** A field of another kind, or none, is another page; one of the right kind that holds something else is this page's own no. */
function judged(json: NonNullable<Config["json"]>, { body }: Reply, answered: string, at: string): Proof {
  const found = Object.entries(json).map(([name, wanted]) => ({ name, wanted, is: fieldOf(body, name) }));
  const astray = found.filter(({ wanted, is }) => typeof is !== typeof wanted);
  if (astray.length > 0)
    return {
      is: "unknown",
      trouble: foreign(
        `${answered} without ${astray.map(({ name, wanted }) => `${name} (${typeof wanted})`)}`,
      ),
    };
  const wrong = found.filter(({ wanted, is }) => is !== wanted);
  const words = (those: typeof found, of: "wanted" | "is") =>
    those.map((one) => `${one.name} ${shown(one[of])}`).join(", ");
  if (wrong.length === 0) return { is: "proved", at, says: `${answered} with ${words(found, "wanted")}` };
  return {
    is: "refuted",
    trouble: {
      code: "PROBE_REFUTED",
      message: `${answered} with ${words(wrong, "is")}`,
      because: `it was to be ${words(wrong, "wanted")}`,
      next: "lockstep interlock status <interlock>",
    },
  };
}

function fieldOf(body: unknown, name: string): unknown {
  const holds =
    typeof body === "object" && body !== null && !Array.isArray(body) && Object.hasOwn(body, name);
  return holds ? Reflect.get(body, name) : undefined;
}

/** Text and numbers may be anything, also a value: only what cannot be one is repeated. */
function shown(value: unknown): string {
  return typeof value === "boolean" ? String(value) : "(not shown)";
}

/** No refusal says what a page would have answered: a proxy's look like the page's own. */
function unseen(failure: Failure): Proof {
  const { trouble, ...rest } = outcomeOf(failure);
  const wait = rest.is === "retryable" && rest.afterMs !== undefined ? { askAgainMs: rest.afterMs } : {};
  const next = "lockstep interlock status <interlock>    once it answers as it should";
  return { is: "unknown", trouble: { ...trouble, next }, ...wait };
}

function foreign(message: string): Trouble {
  return {
    code: "VENDOR_REPLY_FOREIGN",
    message,
    because: "that is not the page that is declared, so it shows nothing",
    next: "lockstep interlock status <interlock>    after you have checked what answers there",
  };
}
