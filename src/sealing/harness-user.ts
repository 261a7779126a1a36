/** A process that opens a database and its key ring, for tests: `node harness-user.ts <url> <key file>`. Prints one line of JSON. */
import { troubleOf } from "../core/errors.ts";
import { openDatabase } from "../db/connect.ts";
import { hasSealed, proveKeys } from "./canary.ts";
import { rootMark } from "./fingerprint.ts";
import { openKeyRing } from "./key-ring.ts";

const [, , url = "", file = ""] = process.argv;
const db = await openDatabase(url);
try {
  const ring = await openKeyRing({ file }, async () => !(await hasSealed(db)));
  await proveKeys(db, ring);
  console.log(JSON.stringify({ writing: ring.writing, mark: rootMark(ring), installation: db.installation }));
} catch (thrown) {
  console.log(JSON.stringify({ trouble: troubleOf(thrown) }));
}
await db.close();
