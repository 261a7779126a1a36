import { examine } from "../../app/doctor.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { table } from "../layout.ts";
import type { Common } from "../main.ts";
import { whereOf } from "../where.ts";

/** `lockstep doctor`: looks at everything that a run needs, and says for each fault what to do. */
export async function doctor(_io: Io, options: Common): Promise<Result> {
  const findings = await examine(whereOf(options));
  const rows = findings.map(({ ok, what, says }) => [ok ? " ✓" : " ✗", what, says.split("\n")[0] ?? ""]);
  const next = findings.flatMap(({ what, trouble }) => {
    if (!trouble) return [];
    const found = trouble.message
      .split("\n")
      .slice(1)
      .map((line) => `│ found    ${line}`);
    return [
      "",
      `${what}: ${trouble.code}`,
      ...found,
      `│ because  ${trouble.because}`,
      `│ next     ${trouble.next}`,
    ];
  });
  const bad = findings.some(({ ok }) => !ok);
  const config = findings.some(
    ({ trouble }) => trouble?.code === "CONFIG_INVALID" || trouble?.code === "CONFIG_NOT_FOUND",
  );
  return {
    exit: bad ? (config ? EXIT.usage : EXIT.failed) : EXIT.done,
    json: { findings },
    text: [table(rows), ...next].join("\n"),
  };
}
