import { createHmac } from "node:crypto";
import type { Workflow, WorkflowInput } from "./state.ts";

/**
 * The proof workflow that Lockstep ships (examples/raxx/.github/workflows/lockstep-proof.yml), as a runner carries it
 * out: its first job computes HMAC-SHA256 with a secret's value as the key over the nonce, its second is named after that.
 */
export const PROOF_JOBS = { first: "prove", second: "lockstep-proof" } as const;

const NONCE = /^[0-9a-f]{32,64}$/;

/** The inputs that a proof workflow declares: the nonce, and the name of a secret of its list. */
export function proofInputs(secrets: string[]): Record<string, WorkflowInput> {
  return { nonce: { required: true, options: null }, secret: { required: true, options: secrets } };
}

/** The title of a proof run, its `run-name`. */
export function proofTitle(nonce: string): string {
  return `lockstep proof ${nonce}`;
}

/** 64 hexadecimal digits, or null where the job fails: no value, or a nonce of another shape. */
export function proofOf(value: string | null | undefined, nonce: string | undefined): string | null {
  if (!value || nonce === undefined || !NONCE.test(nonce)) return null;
  return createHmac("sha256", value).update(nonce).digest("hex");
}

/** Name of the second job; GitHub leaves the expression as it stands where the job is skipped (actions/runner#1215). */
export function proofJobName(proof: string | null): string {
  return `${PROOF_JOBS.second} ${proof ?? `\${{ needs.${PROOF_JOBS.first}.outputs.proof }}`}`;
}

/** Secrets that the file of a workflow names, for a run with these inputs. */
export function secretsRead(workflow: Workflow, inputs: Record<string, string>): string[] {
  if (workflow.proves !== null) return workflow.proves.filter((name) => name === inputs["secret"]);
  return workflow.deploysWith === null ? [] : [workflow.deploysWith];
}
