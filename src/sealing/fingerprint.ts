import { createHmac } from "node:crypto";
import type { Fingerprint } from "../core/credential.ts";
import type { Fingerprinter } from "../core/sealed.ts";
import type { KeyRing } from "./key-ring.ts";

/** Fingerprints under the ring's root: equal values have equal ones, whatever their field or secret is called. */
export function fingerprinter(ring: KeyRing): Fingerprinter {
  return (values) =>
    Object.fromEntries(Object.entries(values).map(([name, secret]) => [name, hmac(ring, secret.reveal())]));
}

/** The fingerprint of a fixed text, by which a database knows its root again. */
export function rootMark(ring: KeyRing): Fingerprint {
  // A value could be this text, but its fingerprint tells nobody anything else.
  return hmac(ring, "lockstep: the root of fingerprints");
}

function hmac(ring: KeyRing, text: string): Fingerprint {
  return createHmac("sha256", ring.fingerprintKey).update(text, "utf8").digest("hex").slice(0, 32);
}
