import { createHash } from "node:crypto";
import type { HerokuApp, HerokuState } from "./state.ts";

/** The person or team that an app belongs to, as replies name it. */
export function ownerOf(state: HerokuState, { access }: HerokuApp): { id: string; email: string } {
  const { id, email } = state.account;
  if (access.team) return { email: `${access.team.name}@herokumanager.com`, id: access.team.id };
  return access.role === "owner" ? { email, id } : somebody("owner");
}

/** Another person than the account, by role. */
export function somebody(role: string): { id: string; email: string } {
  return { id: derivedId(role), email: `${role}@sandbox.invalid` };
}

/** An id that depends on nothing but what it is about. */
export function derivedId(text: string): string {
  const digits = createHash("sha256").update(text).digest("hex");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}
