import type { ConnectionOptions } from "../../core/adapter.ts";
import { askPage, placeOf } from "../page.ts";

/** How an app answers at its health URL: with 2xx, with anything else, or not at all. */
export interface Health {
  readonly is: "well" | "ill" | "silent";
  /** `https://app.example.com/health answered 200`; without the URL's query, which may hold anything. */
  readonly says: string;
}

/**
 * Asks once. The app is no vendor: neither the connection's credential nor its headers go along. An HTML document with 200 is
 * not the app's word that it is well: that is what a login page before it answers.
 */
export async function askHealth(
  url: string,
  { headers: _ofHeroku, ...options }: Omit<ConnectionOptions, "credential" | "baseUrl">,
): Promise<Health> {
  const place = placeOf(url);
  let status = 0;
  const send = options.fetch ?? globalThis.fetch;
  const fetch = async (...call: Parameters<typeof send>) => {
    const reply = await send(...call);
    status = reply.status;
    return reply;
  };
  const answer = await askPage(url, { ...options, fetch });
  if (answer.is === "done") return { is: "well", says: `${place} answered ${status}` };
  const { code } = answer.trouble;
  // Also a turn that was not had: nothing is known of the app.
  if (code === "VENDOR_UNREACHABLE" || code === "VENDOR_RATE_LIMITED")
    return { is: "silent", says: `${place} did not answer` };
  const page = status < 300 ? " with a page that stands before the app" : "";
  return { is: "ill", says: `${place} answered ${status}${page}` };
}
