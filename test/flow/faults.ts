import type { FaultKind } from "../../src/sandbox/faults.ts";

/** How an answer can be lost, or say nothing about what happened. */
export const LOST: Record<string, FaultKind> = {
  "the reply is lost": { kind: "lost-reply" },
  "the request is lost": { kind: "lost-request" },
  "the reply is an error after the effect": { kind: "error-after" },
  "the reply is cut": { kind: "truncated" },
  "a 500 comes without effect": { kind: "status", status: 500 },
  "a proxy answers 502": { kind: "html", status: 502 },
  "a proxy answers 200": { kind: "html", status: 200 },
};
