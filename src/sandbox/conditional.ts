import { crc32 } from "node:zlib";

/** Adds an ETag to a reply and turns it into 304 where the client already holds that body. */
export async function conditional(
  request: Request,
  response: Response,
  options: { weak: boolean; errors: boolean },
): Promise<Response> {
  if (response.body === null || response.headers.get("content-type")?.startsWith("text/event-stream"))
    return response;
  if (response.status >= 300 && !options.errors) return response;
  const text = await response.text();
  const etag = `${options.weak ? "W/" : ""}"${crc32(text).toString(16)}-${text.length.toString(16)}"`;
  const { headers } = response;
  headers.set("etag", etag);
  const offered = request.headers.get("if-none-match")?.split(/\s*,\s*/) ?? [];
  const same = offered.some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag.replace(/^W\//, ""));
  if (request.method === "GET" && response.status === 200 && same) {
    headers.delete("content-type");
    return new Response(null, { status: 304, headers });
  }
  return new Response(text, { status: response.status, headers });
}
