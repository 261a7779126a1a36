/** A process that opens a database, for tests: `node harness-user.ts <url>`. Prints one line of JSON. */
import { troubleOf } from "../core/errors.ts";
import { openDatabase } from "./connect.ts";

try {
  const db = await openDatabase(process.argv[2] ?? "");
  console.log(JSON.stringify({ installation: db.installation }));
  await db.close();
} catch (thrown) {
  console.log(JSON.stringify({ trouble: troubleOf(thrown), text: String(thrown) }));
}
