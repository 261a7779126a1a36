/** Vendors that say back what they were sent, in every way of writing it. */
import type { Fault } from "../../src/sandbox/faults.ts";
import type { HttpVendor } from "../../src/sandbox/world.ts";

/** The vendors whose clients carry values. */
export type VendorName = Exclude<HttpVendor, "slack">;

/** The ways in which a vendor's text could repeat a value. */
export const ECHOES: readonly (readonly [string, (value: string) => string])[] = [
  ["as it is", (value) => `the value ${value} is not good`],
  ["in base64", (value) => `could not read ${Buffer.from(value).toString("base64")}`],
  ["in base64 of a header", (value) => `authorization ${Buffer.from(`Bearer ${value}`).toString("base64")}`],
  ["in base64 after one byte", (value) => Buffer.from(`:${value}`).toString("base64url")],
  ["in hex", (value) => `bytes ${Buffer.from(value).toString("hex")}`],
  ["in upper-case hex", (value) => `bytes ${Buffer.from(value).toString("hex").toUpperCase()}`],
  ["in a URL", (value) => `https://vendor.invalid/?token=${encodeURIComponent(value)}`],
  ["in JSON", (value) => JSON.stringify({ error: { token: value } })],
  ["cut after 16 characters", (value) => `unknown token ${value.slice(0, 16)}…`],
  ["its last 16 characters", (value) => `unknown token …${value.slice(-16)}`],
  ["at the end of much text", (value) => `${"x ".repeat(95)}${value}`],
  ["over several lines", (value) => `no\n    at ${value}\n    at ${value}`],
];

/** Statuses of refusals and failures. */
export const STATUSES = [400, 401, 403, 404, 409, 410, 422, 429, 500, 503] as const;

/** A refusal in the vendor's own shape that says `text` wherever it can say something. */
export function echoFault(
  vendor: VendorName,
  status: number,
  text: string,
): Extract<Fault, { kind: "status" }> {
  // Header values cannot hold line breaks.
  const line = text.replace(/\s+/g, " ").replace(/[^\x20-\x7e]/g, "");
  const body = {
    heroku: { id: status === 401 ? "unauthorized" : text, message: text, resource: text, url: text },
    github: { message: text, documentation_url: text, errors: [{ message: text, field: text }] },
    infisical: {
      reqId: text,
      statusCode: status,
      message: text,
      error: status === 403 ? "TokenError" : text,
    },
  }[vendor];
  const headers = {
    "request-id": line,
    "x-github-request-id": line,
    "x-request-id": line,
    "x-accepted-github-permissions": line,
    "www-authenticate": line,
    location: line,
  };
  return { kind: "status", vendor, status, body, headers };
}
