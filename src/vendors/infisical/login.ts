import { z } from "zod";
import type { ConnectionOptions } from "../../core/adapter.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { after } from "../../core/time.ts";
import { withoutAccess } from "../classify.ts";
import type { Http } from "../http.ts";
import { type Answer, type Ask, type Failure, outcomeOf, trouble } from "../reply.ts";
import { secretText, shaped } from "../shaped.ts";
import { infisicalDialect } from "./dialect.ts";

/** Access tokens of one identity. */
export interface Login {
  /** The token at hand; logs in when there is none, or when the one at hand is `stale`. */
  token(stale?: Secret): Promise<Answer<Secret>>;
}

/** The current build locks an identity after three failures and counts for 30 s, so a refused pair rests this long. */
const REST_MS = 5 * 60_000;

/** Universal auth (infisical.md 1): one login whose token is kept until the server refuses it. */
export function createLogin(http: Http, options: ConnectionOptions): Login {
  let current: Secret | undefined;
  let running: Promise<Answer<Secret>> | undefined;
  let resting: { pair: Values; until: Instant; failure: Failure } | undefined;

  async function login(): Promise<Answer<Secret>> {
    let pair: Values;
    try {
      pair = await options.credential();
    } catch (thrown) {
      return withoutAccess(thrown);
    }
    const { clientId, clientSecret } = { clientId: pair["clientId"], clientSecret: pair["clientSecret"] };
    if (clientId === undefined || clientSecret === undefined) return noPair();
    const rests = resting !== undefined && options.clock.now() < resting.until;
    if (resting !== undefined && rests && samePair(resting.pair, pair)) return resting.failure;
    const body = { clientId: clientId.reveal(), clientSecret: clientSecret.reveal() };
    const ask: Ask = {
      method: "POST",
      route: "/api/v1/auth/universal-auth/login",
      body,
      // A login whose reply is lost leaves at most an unused token, so it counts as a read.
      effect: "read",
      hidden: Object.values(body),
    };
    const answer = shaped(infisicalDialect, ask, await http(ask), tokenShape);
    if (answer.is === "done") {
      current = answer.value;
      return answer;
    }
    const failure = loginFailure(answer);
    // What was not even sent, for want of a turn, is no reason to rest.
    const asked = failure.is === "retryable" && answer.said !== undefined ? failure.afterMs : undefined;
    const restMs = failure.is === "refused" ? REST_MS : asked;
    if (restMs !== undefined) resting = { pair, until: after(options.clock.now(), restMs), failure };
    return failure;
  }

  return {
    async token(stale) {
      if (current !== undefined && (stale === undefined || !current.equals(stale)))
        return { is: "done", value: current };
      // Calls side by side wait for one login.
      running ??= login().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

/** The id of the identity that an access token belongs to, by the token's own words; they are for us, and prove nothing. */
export function identityIn(token: Secret): string | undefined {
  const part = token.reveal().split(".")[1] ?? "";
  try {
    const said = claimsShape.safeParse(JSON.parse(Buffer.from(part, "base64url").toString("utf8")));
    return said.success ? said.data.identityId : undefined;
  } catch {
    return undefined;
  }
}

const claimsShape = z.object({ identityId: z.string().regex(/^[\w-]{1,64}$/) });

const tokenShape: z.ZodType<Secret> = z
  .object({ accessToken: z.string().min(1).pipe(secretText) })
  .transform(({ accessToken }) => accessToken);

// What the vendor said of the login must not be read as said of the secret that was asked for, hence `outcomeOf`.
function loginFailure(answer: Failure): Failure {
  // The old build answers 404 to an unknown client id.
  if (answer.said?.status !== 404 || answer.said.id === "Not Found") return outcomeOf(answer);
  const { message } = answer.trouble;
  const because = "Infisical does not know the client id that Lockstep logs in with";
  const next = "lockstep doctor    after you have given the connection a client id and secret that work";
  return { is: "refused", trouble: trouble("VENDOR_REFUSED_CREDENTIAL", message, because, next) };
}

function samePair(a: Values, b: Values): boolean {
  return ["clientId", "clientSecret"].every((name) => {
    const [one, other] = [a[name], b[name]];
    return one !== undefined && other !== undefined && one.equals(other);
  });
}

function noPair(): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CREDENTIAL_MISSING",
      "The Infisical connection has no fields `clientId` and `clientSecret`",
      "no call can be made without them",
      "lockstep doctor    after you have said in the configuration where the connection's client id and secret come from",
    ),
  };
}
