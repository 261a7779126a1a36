import type { Answer } from "../../src/core/circumstances.ts";
import type { Fingerprinter } from "../../src/core/sealed.ts";
import { Secret, type Values } from "../../src/core/secret-value.ts";
import { instantOf } from "../../src/core/time.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import { ACTOR } from "../flow/world.ts";
import type { Run } from "./crew.ts";
import type { Carrying } from "./person.ts";
import type { Timeline } from "./timeline.ts";
import { KEY, ownerOf } from "./truth.ts";

/** Where a person pastes a value, and takes one from. */
interface Desk {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly timeline: Timeline;
  readonly fingerprint: Fingerprinter;
  /** Values under seal, by id. */
  readonly sealed: Map<string, Values>;
}

/** A person takes the value that is to be carried, as Lockstep shows it, and writes it to the repository's secret. */
export function carry({ sandbox, memory, sealed }: Desk, run: Run, { value: purpose }: Carrying): void {
  const kept = memory.sealed.findLast((one) => one.run === run.id && one.purpose === purpose);
  const token = kept && sealed.get(kept.id)?.["token"]?.reveal();
  const authorization = ownerOf(sandbox, token)?.id;
  if (authorization === undefined) return;
  for (const { owner, name, secrets } of sandbox.github.repositories)
    if (secrets.some((one) => one.name === KEY))
      sandbox.control.act({
        act: "set-github-secret",
        repository: `${owner}/${name}`,
        name: KEY,
        value: { authorization },
      });
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
