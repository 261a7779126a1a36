import { type Verified, verifySecret } from "../../app/verify.ts";
import { withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { table } from "../render.ts";

/** `lockstep verify`: looks at all copies and consumers of a secret again. */
export function verify(_io: Io, options: Common, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const found = await verifySecret(home, secret, options.sandbox);
    return { exit: found.ok ? EXIT.done : EXIT.findings, json: found, text: text(found) };
  });
}

function text({ secret, vault, places, undeclared, notVisible, closed, next }: Verified): string {
  return [
    `${secret}  vault ${vault.label ?? "?"}, ${vault.is}: ${vault.says}`,
    table(places.map(({ target, state, label, says }) => [`  ${target}`, state, label ?? "", says])),
    ...undeclared.map((place) => `  ${place} holds it too, and the configuration does not name it`),
    ...notVisible.map((what) => `  not visible to us: ${what}`),
    ...closed.map(({ says }) => `  closed, since it is gone: ${says}`),
    next === null ? "All copies that can be read hold the vault's value." : `next  ${next}`,
  ].join("\n");
}
