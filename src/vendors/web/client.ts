import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import { askPage, placeOf } from "../page.ts";
import type { Answer, Reply } from "../reply.ts";

/** A page of somebody's own: an app's health, say. It is no vendor's, and a credential never goes along. */
export interface WebClient {
  /** GET of a path below the connection's address. `done` for 2xx that is no HTML document; what was asked for is the caller's to check. */
  page(path: string): Promise<Answer<Reply>>;
  /** Where that path lies, for people: without its query, which may hold anything. */
  placeOf(path: string): string;
}

/** Pages, for connections that name their address. */
export const web = defineVendor({
  name: "web",
  defaultUrl: "",
  connection: z.strictObject({}),
  connect: (options): WebClient => ({
    page: (path) => askPage(urlOf(options, path), options),
    placeOf: (path) => placeOf(urlOf(options, path)),
  }),
});

function urlOf({ baseUrl }: ConnectionOptions, path: string): string {
  return `${baseUrl.replace(/\/+$/, "")}${path}`;
}
