import type { Answer } from "../../src/core/circumstances.ts";
import type { Fingerprinter } from "../../src/core/sealed.ts";
import { Secret, type Values } from "../../src/core/secret-value.ts";
import { instantOf } from "../../src/core/time.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import { ACTOR } from "../flow/world.ts";
import type { Run } from "./crew.ts";
import type { Timeline } from "./timeline.ts";

/** Where a person pastes a value. */
interface Desk {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly timeline: Timeline;
  readonly fingerprint: Fingerprinter;
  /** Values under seal, by id. */
  readonly sealed: Map<string, Values>;
}

/** A person creates what the run asks for, and pastes its value as the answer to the question. */
export async function paste(
  { sandbox, memory, timeline, fingerprint, sealed }: Desk,
  run: Run,
  question: string,
): Promise<Answer> {
  const description = `${run.plan.snapshot.issuer.description} ${run.tag}`;
  const { id = "" } = sandbox.control.act({ act: "create-authorization", description, scope: ["global"] });
  const values = { token: Secret.of(sandbox.control.estate().heroku.tokens[id] ?? "") };
  const name = `pasted-${sealed.size + 1}`;
  sealed.set(name, values);
  memory.sealed.push({
    id: name,
    run: run.id,
    purpose: `pasted/${question}`,
    credential_id: "",
    credential: null,
    fingerprints: fingerprint(values),
    value: "",
  });
  return { is: "done", by: ACTOR, at: instantOf(timeline.now()), sealed: name };
}
