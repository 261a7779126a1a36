import type { KeyRing, SealingKey } from "./key-ring.ts";
import { wrongKeys } from "./ring-trouble.ts";

/** Seals text as compact JWE (`dir`, A256GCM). The header stands in clear: key id and purpose, never a value. */
export interface Envelope {
  /** Under the ring's writing key. The purpose says what and where the text is; it must be given again to open it. */
  seal(text: string, purpose: string): Promise<string>;
  /** Throws KEYRING_WRONG when no key fits, the text was changed, or it was sealed for another purpose. */
  open(sealed: string, purpose: string): Promise<string>;
}

/** What the engine's serializer needs: it cannot know run or step everywhere, so the journal boxes them inside the text. */
export interface JournalSealer {
  seal(text: string): Promise<string>;
  open(sealed: string): Promise<string>;
}

/** Seals and opens with the keys of the ring. */
export function envelope(ring: KeyRing): Envelope {
  return {
    seal: async (text, purpose) => {
      const { CompactEncrypt } = await loaded();
      const kid = ring.writing;
      const key = ring.get(kid);
      if (key === undefined) throw wrongKeys(`the ring has no key ${kid}`);
      return new CompactEncrypt(encoder.encode(text))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid, purpose })
        .encrypt(key);
    },
    open: async (sealed, purpose) => {
      const header = headerOf(sealed);
      const key = await keyFor(ring, header["kid"]);
      const { compactDecrypt } = await loaded();
      let text: string;
      try {
        const { plaintext } = await compactDecrypt(sealed, key, ONLY);
        text = decoder.decode(plaintext);
      } catch (cause) {
        throw wrongKeys(`the key ${String(header["kid"])} of this ring does not open ${purpose}`, cause);
      }
      // Authentic now, as the header is part of what was authenticated.
      if (header["purpose"] !== purpose)
        throw wrongKeys(`what stands as ${purpose} was sealed for something else`);
      return text;
    },
  };
}

/** Loads what sealing and opening need, for whoever has time for it now; never throws. */
export async function loadEnvelope(): Promise<void> {
  await loaded().catch(() => {});
}

/** Seals the journal's entries; see {@link JournalSealer}. */
export function journalSealer(ring: KeyRing): JournalSealer {
  const { seal, open } = envelope(ring);
  return { seal: (text) => seal(text, "journal"), open: (sealed) => open(sealed, "journal") };
}

/** The id of the key that sealed it, as its header says; not authenticated. Throws KEYRING_WRONG on text that is no JWE. */
export function keyIdOf(sealed: string): string {
  const kid = headerOf(sealed)["kid"];
  if (typeof kid !== "string") throw wrongKeys("a sealed value names no key");
  return kid;
}

const ONLY = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Jose = Pick<typeof import("jose"), "CompactEncrypt" | "compactDecrypt">;
let jose: Promise<Jose> | undefined;

/** Two parts of the library instead of all of it (24 ms instead of 50), and only once something is sealed or opened. */
function loaded(): Promise<Jose> {
  jose ??= Promise.all([import("jose/jwe/compact/encrypt"), import("jose/jwe/compact/decrypt")]).then(
    ([{ CompactEncrypt }, { compactDecrypt }]) => ({ CompactEncrypt, compactDecrypt }),
  );
  return jose;
}

async function keyFor(ring: KeyRing, kid: unknown): Promise<SealingKey> {
  const key = typeof kid === "string" ? (ring.get(kid) ?? (await ring.find(kid))) : undefined;
  if (key !== undefined) return key;
  throw wrongKeys(
    `this ring (${ring.ids.join(", ")}) has no key ${typeof kid === "string" ? kid : "without a name"}`,
  );
}

function headerOf(sealed: string): Record<string, unknown> {
  const [head = ""] = sealed.split(".", 1);
  try {
    const header: unknown = JSON.parse(Buffer.from(head, "base64url").toString("utf8"));
    if (typeof header === "object" && header !== null) return { ...header };
  } catch {
    // Falls through: not a JWE is the same trouble as one that was changed.
  }
  throw wrongKeys("what should be a sealed value is none");
}
