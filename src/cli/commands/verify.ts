import { type Verified, verifySecret } from "../../app/verify.ts";
import { withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { blocks, hanging, tableLines } from "../layout.ts";
import type { Common } from "../main.ts";

/** `lockstep verify`: looks at all copies and consumers of a secret again. */
export function verify(_io: Io, options: Common, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const found = await verifySecret(home, secret, options.sandbox);
    return { exit: found.ok ? EXIT.done : EXIT.findings, json: found, text: text(found) };
  });
}

function text({ secret, vault, places, undeclared, notVisible, closed, next }: Verified): string {
  return [
    hanging(`${secret}  vault ${vault.label ?? "?"}, ${vault.is}: ${vault.says}`, 2),
    ...(places.length > 0 ? [placesText(places)] : []),
    ...[
      ...undeclared.map((place) => `${place} holds it too, and the configuration does not name it`),
      ...notVisible.map((what) => `not visible to us: ${what}`),
      ...closed.map(({ says }) => `closed, since it is gone: ${says}`),
    ].map((line) => hanging(`  ${line}`, 4)),
    next === null ? "All copies that can be read hold the vault's value." : `next  ${next}`,
  ].join("\n");
}

function placesText(places: Verified["places"]): string {
  const heads = tableLines(places.map(({ target, state, label }) => [`  ${state}`, label ?? "", target]));
  return blocks(heads.map((head, i) => [head, places[i]?.says ?? ""]));
}
