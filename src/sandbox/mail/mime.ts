/** What a message says: its headers by lower-case name, decoded, and its texts. */
export interface ParsedMail {
  headers: Record<string, string>;
  text: string;
  html: string | null;
}

/** Reads a message as mail programs write them (RFC 5322, 2045 to 2047); parts that are neither text nor HTML are passed over. */
export function parseMail(raw: Buffer): ParsedMail {
  // One character for each byte, so that every part can be decoded by its own charset later.
  const { headers, body } = split(raw.toString("latin1"));
  const parts = leaves(headers, body);
  const text = parts.find((one) => one.type === "text/plain")?.content ?? "";
  const html = parts.find((one) => one.type === "text/html")?.content ?? null;
  const decoded = Object.entries(headers).map(([name, value]) => [name, words(value)]);
  return { headers: Object.fromEntries(decoded), text, html };
}

interface Leaf {
  type: string;
  content: string;
}

function leaves(headers: Record<string, string>, body: string): Leaf[] {
  const declared = headers["content-type"] ?? "text/plain";
  const type = (declared.split(";")[0] ?? "").trim().toLowerCase();
  const boundary = parameter(declared, "boundary");
  if (type.startsWith("multipart/") && boundary !== undefined) {
    return body
      .split(`--${boundary}`)
      .slice(1)
      .filter((part) => !part.startsWith("--"))
      .flatMap((part) => {
        const inner = split(part.replace(/^\r?\n/, "").replace(/\r?\n$/, ""));
        return leaves(inner.headers, inner.body);
      });
  }
  if (!type.startsWith("text/")) return [];
  const bytes = transferred(body, headers["content-transfer-encoding"] ?? "7bit");
  const content = decode(bytes, parameter(declared, "charset") ?? "utf-8").replaceAll("\r\n", "\n");
  return [{ type, content: content.replace(/\n$/, "") }];
}

function split(text: string): { headers: Record<string, string>; body: string } {
  const end = /\r?\n\r?\n/.exec(text);
  const head = end ? text.slice(0, end.index) : text;
  const headers: Record<string, string> = {};
  for (const line of head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, body: end ? text.slice(end.index + end[0].length) : "" };
}

function parameter(header: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^;\\s]+))`, "i").exec(header);
  return found?.[1] ?? found?.[2];
}

function transferred(body: string, encoding: string): Buffer {
  const way = encoding.trim().toLowerCase();
  if (way === "base64") return Buffer.from(body.replace(/\s+/g, ""), "base64");
  if (way === "quoted-printable") return quoted(body.replace(/=\r?\n/g, ""));
  return Buffer.from(body, "latin1");
}

function quoted(text: string): Buffer {
  const plain = text.replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(plain, "latin1");
}

// Two encoded words side by side belong together; the space between them is not part of the text.
function words(header: string): string {
  const joined = header.replace(/(\?=)\s+(=\?)/g, "$1$2");
  const raw = joined.replace(
    /=\?([^?]+)\?([BbQq])\?([^?]*)\?=/g,
    (_, charset: string, way: string, text: string) =>
      decode(
        way.toUpperCase() === "B" ? Buffer.from(text, "base64") : quoted(text.replaceAll("_", " ")),
        charset,
      ),
  );
  return joined === raw ? decode(Buffer.from(header, "latin1"), "utf-8") : raw;
}

function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}
