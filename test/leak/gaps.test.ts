/** Ways in which a value does get out today: each test fails when its gap is closed, and then loses its `.fails`. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { echoFault } from "./hostile.ts";
import { searcherFor } from "./search.ts";
import { type Ended, type Stage, setStage } from "./stage.ts";
import { freshToken, known } from "./values.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
  await stage.run(["doctor", "--sandbox"]);
});
afterAll(() => stage.close());

const run = (line: string) => stage.run([...line.split(" "), "--sandbox"]);
const printed = ({ stdout, stderr }: Ended, ...values: readonly string[]) =>
  searcherFor(values.map((text) => known("value", text)))(Buffer.from(stdout + stderr)).length;

describe("[P7] gaps", () => {
  it("[P7] a vendor names a live value that was not sent in this very call", async () => {
    const value = stage.sandbox.infisical.projects[0]?.secrets[0]?.versions.at(-1)?.value ?? "";
    stage.sandbox.control.addFault({
      ...echoFault("github", 403, `not ${value}`),
      method: "GET",
      count: null,
    });
    const ended = await run("test heroku-api-key");
    stage.sandbox.control.clearFaults();
    expect(printed(ended, value)).toBe(0);
  });

  it("[P7] a vendor puts the value into a field of a successful reply", async () => {
    const value = stage.sandbox.infisical.projects[0]?.secrets[0]?.versions.at(-1)?.value ?? "";
    stage.sandbox.control.addFault({
      kind: "status",
      status: 200,
      method: "GET",
      route: "/account",
      body: { id: "x", email: value },
      headers: { "request-id": "x" },
      count: null,
    });
    const ended = await run("test heroku-api-key");
    stage.sandbox.control.clearFaults();
    expect(printed(ended, value)).toBe(0);
  });

  const configuration = (text: string) => {
    const file = path.join(stage.root, "other.config.ts");
    writeFileSync(file, text);
    return stage.run(["plan", "x", "--config", file]);
  };

  it("[P7] a configuration throws an error that quotes a value", async () => {
    const value = freshToken();
    const ended = await configuration(`throw new Error(${JSON.stringify(value)});`);
    expect(printed(ended, value)).toBe(0);
  });

  it("[P7] a configuration with a pasted value does not compile", async () => {
    const value = freshToken();
    const pasted = JSON.stringify(value);
    for (const text of [
      `export default { a: ${pasted} ${pasted} }`,
      `export default ${pasted} ${pasted}`,
      `const x = {${pasted}}`,
    ])
      expect(printed(await configuration(text), value)).toBe(0);
  });

  it("[P7] a configuration with a pasted value is not valid", async () => {
    const value = freshToken();
    const pasted = JSON.stringify(value);
    for (const credential of [
      pasted,
      `{ token: ${pasted} }`,
      `{ secret: ${pasted} }`,
      `{ ${pasted}: 1 }`,
      `{ token: { env: ${pasted} } }`,
    ]) {
      const connections = `{ heroku: { vendor: "heroku", credential: ${credential} } }`;
      const ended = await configuration(`export default { connections: ${connections}, secrets: {} }`);
      expect(ended.exit, credential.replaceAll(value, "…")).toBe(2);
      expect(printed(ended, value), credential.replaceAll(value, "…")).toBe(0);
    }
  });
});
