import { done, type NotDone, type Outcome, refused, unknown } from "../../core/outcome.ts";
import { claimsOf, missingIn } from "../../vendors/infisical/client.ts";
import { type Claim, isInstallation } from "../../vendors/infisical/shapes.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { InfisicalConfig } from "./config.ts";
import { type Deps, problem, spot } from "./look.ts";
import { approvalPending } from "./write.ts";

type Found = Claim | "no claim" | "no folder";

/** Who has claimed the entry. Where keys of one entry are claimed by several, all are named, so that none of them takes it for its own. */
export async function claim(
  config: InfisicalConfig,
  deps: Deps,
): Promise<Outcome<{ readonly installation?: string }>> {
  const all = new Set<string>();
  for (const key of Object.values(config.fields)) {
    const found = await claimAt(config, deps, key);
    if (found.is !== "done") return found;
    const installation = installationIn(found.value);
    if (installation !== undefined) all.add(installation);
  }
  return done(all.size === 0 ? {} : { installation: [...all].join(", ") });
}

/** Claims every key of the entry that is not claimed so yet, over what another one claimed; reads each claim back. */
export async function putClaim(
  config: InfisicalConfig,
  deps: Deps,
  installation: string,
): Promise<Outcome<void>> {
  // Whatever does not look like one would be taken for somebody's own secret from then on.
  if (!isInstallation(installation)) throw new TypeError("an installation's id is a UUID");
  let wrote = false;
  for (const key of Object.values(config.fields)) {
    const ended = await claimKey(config, deps, key, installation);
    // Whatever another key met, some of the entry is claimed by now.
    if (typeof ended !== "string") return wrote ? unknown(ended.trouble) : ended;
    wrote ||= ended === "written";
  }
  return done(undefined);
}

async function claimKey(
  config: InfisicalConfig,
  deps: Deps,
  key: string,
  installation: string,
): Promise<NotDone | "written" | "there"> {
  const before = await claimAt(config, deps, key);
  if (before.is !== "done") return before;
  if (installationIn(before.value) === installation) return "there";
  if (before.value === "no folder") {
    const made = await deps.client.createFolder(claimsOf(config));
    if (made.is !== "done") return outcomeOf(made);
  }
  const over = typeof before.value === "string" ? undefined : before.value;
  const answer = await deps.client.putClaim(config, key, installation, over);
  if (answer.is !== "done") {
    const raced = answer.said?.status === 400 && /already exist/i.test(answer.said.text);
    return raced ? unknown(answer.trouble) : outcomeOf(answer);
  }
  if (answer.value.is === "awaits-approval")
    return unknown(approvalPending(`the claim on ${spot(config, key)}`, answer.value));
  const after = await claimAt(config, deps, key);
  // The write was accepted, so that a look that fails leaves open what stands there.
  if (after.is !== "done") return unknown(after.trouble);
  return unheld(config, key, installation, (over?.version ?? 0) + 1, after.value) ?? "written";
}

/** Why the claim that was just written does not count; undefined where it reads back. */
function unheld(
  config: InfisicalConfig,
  key: string,
  installation: string,
  version: number,
  after: Found,
): NotDone | undefined {
  const now = installationIn(after);
  if (now === installation) return undefined;
  const reached = typeof after === "string" ? 0 : after.version;
  if (now === undefined || reached < version) {
    return unknown(
      problem(
        "VAULT_DIFFERS",
        `The claim on ${spot(config, key)} does not read back yet`,
        "reads may come from a replica that lags behind the write",
        "lockstep rotate <secret>    reads it again",
      ),
    );
  }
  return refused(
    problem(
      "CLAIMED_ELSEWHERE",
      `${spot(config, key)} was claimed by the installation ${now} at the same time`,
      "two installations that rotate one secret end each other's keys",
      'lockstep rotate <secret> --take-over --because "why"    once it is out of the other one\'s configuration',
    ),
  );
}

/** A claim that cannot be read is no "none": the trouble itself. What is no claim at all is somebody's own, and stays (P10). */
async function claimAt(config: InfisicalConfig, { client }: Deps, key: string): Promise<Outcome<Found>> {
  const answer = await client.claim(config, key);
  if (answer.is === "done") {
    if (answer.value.installation !== undefined) return done(answer.value);
    const { path } = claimsOf(config);
    return refused(
      problem(
        "VAULT_ENTRY_UNSUITABLE",
        `${key} at ${config.environment} ${path} holds something that is no claim of an installation`,
        "claims lie there, and Lockstep overwrites nothing that it did not make",
        "lockstep rotate <secret>    after you have moved that entry to another folder",
      ),
    );
  }
  const missing = missingIn(answer);
  if (missing === "folder") return done("no folder");
  return missing === "secret" ? done("no claim") : outcomeOf(answer);
}

function installationIn(found: Found): string | undefined {
  return typeof found === "string" ? undefined : found.installation;
}
