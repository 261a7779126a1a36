import { type Impact, impactOf } from "../../app/impact.ts";
import { withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { blocks } from "../layout.ts";
import type { Common } from "../main.ts";

/** `lockstep impact`: what breaks if this secret died now. */
export function impact(_io: Io, options: Common, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const found = await impactOf(home, secret);
    const next = `lockstep verify ${secret}    shows whether it lives and who holds it`;
    return { exit: EXIT.done, json: { ...found, next }, text: text(found, next) };
  });
}

function text({ secret, copies, consumers, access, runs }: Impact, next: string): string {
  return [
    `If ${secret} died now:`,
    blocks([
      ...copies.map(({ target, effect }) => [`  ${target}`, effect] as const),
      ...consumers.map(
        ({ name, reads, pulls }) =>
          [`  ${name}`, `refused; reads ${reads}${pulls ? " (pulls)" : ""}`] as const,
      ),
      ...access.map(
        ({ connection, secrets }) =>
          [
            `  Lockstep itself cannot use the connection ${connection}`,
            `no automated run of ${secrets.join(", ")}`,
          ] as const,
      ),
    ]),
    ...runs.map((run) => `  ${run.id}, ${run.status}, cannot go on`),
    `next  ${next}`,
  ].join("\n");
}
