import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { LockstepError } from "../../core/errors.ts";
import type { Sealer } from "../sealed.ts";

/** A real authenticated cipher under a fixed key, small enough for tests. */
function sealerOf(key: Buffer): Sealer {
  return {
    seal: async (text) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64");
    },
    open: async (text) => {
      try {
        const bytes = Buffer.from(text, "base64");
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
        decipher.setAuthTag(bytes.subarray(12, 28));
        return decipher.update(bytes.subarray(28), undefined, "utf8") + decipher.final("utf8");
      } catch {
        throw new LockstepError({ code: "KEYRING_WRONG", message: "wrong key", because: "", next: "" });
      }
    },
  };
}

/** The sealer of the tests' databases. */
export const rightSealer = sealerOf(Buffer.alloc(32, 7));

/** One whose key ring belongs to another database. */
export const wrongSealer = sealerOf(Buffer.alloc(32, 8));
