import { dismiss as dismissFinding } from "../../app/dismissing.ts";
import { localActor } from "../../app/people.ts";
import { LockstepError } from "../../core/errors.ts";
import { withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { dismissCommand } from "../matters-text.ts";

interface DismissOptions extends Common {
  readonly because?: string;
}

/** `lockstep dismiss`: closes a finding on a person's word, which the audit log keeps. */
export function dismiss(_io: Io, options: DismissOptions, id: string): Promise<Result> {
  return withHome(options, async (home) => {
    const { because } = options;
    if (because === undefined) throw incomplete(id);
    const finding = await dismissFinding(home, localActor(home.config), id, because);
    const text = [
      `Dismissed: ${finding.says}`,
      "It opens again if it is found again.",
      `next  lockstep audit ${finding.secret}`,
    ].join("\n");
    return { exit: EXIT.done, json: { dismissed: finding, because }, text };
  });
}

function incomplete(id: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: "dismiss needs --because",
    because: "nothing shows it right but a person's word, and the record keeps why",
    next: dismissCommand({ id }),
  });
}
