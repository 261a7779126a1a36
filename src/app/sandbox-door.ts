import type { Redirection } from "./connections.ts";
import { PATIENCE_MS, type Served, serveHere } from "./sandbox-serving.ts";

/** A sandbox that this process can use: one that another process serves, or its own. */
export interface SandboxDoor {
  readonly redirection: Redirection;
  readonly controlUrl: string;
  /** Stops serving if it is this process that serves. */
  close(): Promise<void>;
}

/**
 * Uses the sandbox that is served for this directory, or serves it in this process, going on from its last state. When the process
 * that served it has ended, the first one that meets the gap serves it on, at the same addresses.
 */
export async function openSandbox(root: string): Promise<SandboxDoor> {
  const closers: (() => Promise<void>)[] = [];
  let closing = false;
  let serving: Promise<Served> | undefined;
  const serve = (): Promise<Served> => {
    serving ??= serveHere(root)
      .then((served) => {
        if (served.close) closers.push(served.close);
        return served;
      })
      .finally(() => {
        serving = undefined;
      });
    return serving;
  };
  const close = async () => {
    closing = true;
    await serving?.catch(() => {});
    await Promise.all(closers.map((one) => one()));
  };
  const enter = async (tries: number): Promise<SandboxDoor> => {
    const { urls } = await serve();
    try {
      const estate = await estateAt(urls);
      return { controlUrl: urls["control"] ?? "", redirection: redirectionTo(urls, estate, reopen), close };
    } catch (thrown) {
      // The process that served may have ended since it was asked.
      if (tries > 1) return enter(tries - 1);
      await close();
      throw thrown;
    }
  };
  const reopen = async () => {
    if (!closing) await serve();
  };
  return enter(3);
}

/** The part of the control API's estate that leads clients there. */
interface Estate {
  readonly github: { readonly tokens: Readonly<Record<string, string>> };
  readonly infisical: {
    readonly identities: Readonly<Record<string, { clientId: string; clientSecret: string }>>;
  };
  readonly slack: { readonly bots: Readonly<Record<string, { token: string }>> };
  readonly mail: { readonly accounts: Readonly<Record<string, string>> };
  readonly pages: Readonly<Record<string, string>>;
}

async function estateAt(urls: Served["urls"]): Promise<Estate> {
  const reply = await fetch(`${urls["control"]}/estate`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: "error",
  });
  return (await reply.json()) as Estate;
}

function redirectionTo(urls: Served["urls"], estate: Estate, reopen: () => Promise<void>): Redirection {
  const identity = estate.infisical.identities["lockstep"];
  const [user = "", password = ""] = Object.entries(estate.mail.accounts)[0] ?? [];
  return {
    urls,
    reopen,
    pages: Object.fromEntries(
      Object.entries(estate.pages).map(([origin, path]) => [origin, `${urls["heroku"] ?? ""}${path}`]),
    ),
    credentials: {
      github: { token: estate.github.tokens["rotation"] ?? "" },
      infisical: { clientId: identity?.clientId ?? "", clientSecret: identity?.clientSecret ?? "" },
      slack: { token: estate.slack.bots["lockstep"]?.token ?? "" },
      mail: { user, password },
    },
  };
}
