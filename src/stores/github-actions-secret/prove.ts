import { createHash } from "node:crypto";
import type { Trouble } from "../../core/errors.ts";
import type { Proof } from "../../core/outcome.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { Receipt } from "../../core/store.ts";
import { after, between, type Instant } from "../../core/time.ts";
import type { GithubClient } from "../../vendors/github/client.ts";
import { isProofOf, proofsIn, proofTitle } from "../../vendors/github/proof.ts";
import type { WorkflowRun } from "../../vendors/github/shapes.ts";
import type { Failure } from "../../vendors/reply.ts";
import { type Config, type Deps, fieldOf, lastChange, problem, SLACK_MS, targetOf } from "./place.ts";

/** How long an accepted dispatch may stay out of GitHub's list before it counts as lost. */
const LISTED_WITHIN_MS = 60_000;

/** What one secret is proved by. */
interface Question {
  readonly name: string;
  readonly value: Secret;
  readonly nonce: string;
  /** When the value was written. */
  readonly since: Instant;
}

type Proving = Config & { readonly proof: NonNullable<Config["proof"]> };

/** Whether our write stands uncontested and, where a proof workflow is configured, whether a job queued after it holds the value. */
export async function prove(config: Config, deps: Deps, receipt: Receipt, values: Values): Promise<Proof> {
  const stands = await uncontested(config, deps, receipt);
  const { proof } = config;
  const since = receipt.changedAt;
  if (stands.is !== "proved" || proof === undefined || since === undefined) return stands;
  const proofs: Proof[] = [];
  // All are asked before any is waited for.
  for (const [field, name] of Object.entries(config.fields)) {
    const question = { name, value: fieldOf(values, field), nonce: nonceOf(receipt, name), since };
    proofs.push(await shown({ ...config, proof }, deps, question));
  }
  const missing = proofs.find(({ is }) => is === "refuted") ?? proofs.find(({ is }) => is === "unknown");
  if (missing) return missing;
  const says = proofs.flatMap((one) => (one.is === "proved" ? [one.says] : [])).join("; ");
  return { is: "proved", at: deps.clock.now(), says };
}

/** The proof of the grade `receipt`: the secret is there, and its last change is ours. */
async function uncontested(config: Config, deps: Deps, receipt: Receipt): Promise<Proof> {
  const seen = await lastChange(config, deps);
  if (seen.is !== "done") return failed(seen);
  const { changedAt, present } = seen.value;
  const since = receipt.changedAt;
  if (!present || changedAt === undefined || since === undefined) {
    const found = `${targetOf(config)} is not there, though GitHub accepted the write`;
    return { is: "refuted", trouble: problem("DESTINATION_UNPROVED", found, "somebody removed it") };
  }
  const moved = between(since, changedAt);
  if (moved > 0) return { is: "refuted", trouble: contested(config, changedAt) };
  if (moved < 0) {
    const found = `GitHub still shows the last change of ${targetOf(config)} at ${changedAt}`;
    return open(found, "the answer is from before the write");
  }
  const says = `GitHub accepted the write of ${targetOf(config)} and shows no change since ${changedAt}; its value cannot be read`;
  return { is: "proved", at: deps.clock.now(), says };
}

/** What a job shows of one secret. The run is found by its title, so that no attempt, however it ended, asks twice. */
async function shown(config: Proving, deps: Deps, question: Question): Promise<Proof> {
  const { client } = deps;
  const { repository, proof } = config;
  // Older runs cannot be it: they may hold what stood there before.
  const since = after(question.since, -SLACK_MS);
  const runs = await client.dispatchedRuns(repository, proof.workflow, since);
  if (runs.is !== "done") return failed(runs);
  const title = proofTitle(question.nonce);
  const run = runs.value.find((one) => one.title === title && one.createdAt >= since);
  if (run === undefined) return ask(config, deps, question);
  if (run.status !== "completed")
    return open(`Proof run ${run.id} (${run.url}) is ${run.status}`, "it has not ended");
  if (run.conclusion !== "success") {
    const found = `Proof run ${run.id} ended with ${run.conclusion}: ${run.url}`;
    return refuted(
      found,
      "it does not show which value a job holds",
      `lockstep rotate <secret>    after you have run it again at ${run.url}`,
    );
  }
  const jobs = await client.jobs(repository, run.id);
  return jobs.is === "done" ? judged(config, deps, { run, question, jobs: jobs.value }) : failed(jobs);
}

function judged(
  config: Proving,
  { clock }: Deps,
  { run, question, jobs }: { run: WorkflowRun; question: Question; jobs: readonly string[] },
): Proof {
  const { name, value, nonce } = question;
  const proofs = proofsIn(jobs);
  if (proofs.length === 0) {
    const found = `Proof run ${run.id} succeeded, but none of its jobs shows a proof: ${run.url}`;
    const next = `lockstep rotate <secret>    after you have made ${config.proof.workflow} the same as the file of the examples`;
    return refuted(found, "the workflow is not the one that Lockstep ships", next);
  }
  if (proofs.every((proof) => isProofOf(proof, value, nonce))) {
    const says = `a job of run ${run.id} proved that it holds the value of ${name}`;
    return { is: "proved", at: clock.now(), says };
  }
  const known = config.shadows?.length ? ` (declared: ${config.shadows.join(", ")})` : "";
  return refuted(
    `The job of proof run ${run.id} holds another value of ${name} than the one written: ${run.url}`,
    `most likely another secret of that name goes before the repository's${known}`,
    `lockstep rotate <secret>    after you have looked for ${name} in the environment that the job of ${config.proof.workflow} names`,
  );
}

/** Dispatches sent, by client: GitHub's list shows a run only some time after it has accepted it. */
const sent = new WeakMap<GithubClient, Map<string, Instant>>();

/** Starts the run, once: a lost reply, too, is waited for in the list of runs. */
async function ask(config: Proving, { client, clock }: Deps, { name, nonce }: Question): Promise<Proof> {
  const { repository, proof } = config;
  const asked = sent.get(client) ?? new Map<string, Instant>();
  sent.set(client, asked);
  const before = asked.get(nonce);
  const now = clock.now();
  const because = "its run is not shown yet";
  if (before !== undefined && between(before, now) < LISTED_WITHIN_MS)
    return open(`The proof of ${name} was dispatched at ${before}`, because);
  for (const [other, at] of asked) if (between(at, now) >= LISTED_WITHIN_MS) asked.delete(other);
  const inputs = { nonce, secret: name };
  const answer = await client.dispatch(repository, proof.workflow, { ref: proof.ref, inputs });
  if (answer.is === "done" || answer.is === "unknown") asked.set(nonce, now);
  if (answer.is === "done") return open(`The proof of ${name} is dispatched`, because);
  if (answer.is !== "refused") return failed(answer);
  const next = `lockstep rotate <secret>    after you have settled what GitHub's answer names: the token needs "Actions: write", ${proof.workflow} must list ${name}, ${proof.ref} must exist`;
  return { is: "refuted", trouble: { ...answer.trouble, next } };
}

/** The same for every look at one write, and known to nobody before it: 128 bits in hexadecimal. */
function nonceOf({ copy, changedAt, fingerprints }: Receipt, name: string): string {
  const facts = [copy, changedAt, name, ...Object.entries(fingerprints).sort().flat()];
  return createHash("sha256")
    .update(JSON.stringify(["lockstep-proof", ...facts]))
    .digest("hex")
    .slice(0, 32);
}

/** Somebody wrote after us. */
export function contested(config: Config, changedAt: Instant): Trouble {
  return problem(
    "DESTINATION_UNPROVED",
    `${targetOf(config)} was changed again after our write, at ${changedAt}`,
    "its value cannot be read, so whether it still holds ours is not known",
  );
}

function failed({ is, trouble }: Pick<Failure, "is" | "trouble">): Proof {
  return { is: is === "refused" ? "refuted" : "unknown", trouble };
}

function open(found: string, because: string): Proof {
  return {
    is: "unknown",
    trouble: problem("DESTINATION_UNPROVED", found, because, "lockstep rotate <secret>    looks again"),
  };
}

function refuted(found: string, because: string, next: string): Proof {
  return { is: "refuted", trouble: problem("DESTINATION_UNPROVED", found, because, next) };
}
