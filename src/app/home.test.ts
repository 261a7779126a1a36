import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { cleanUp, dropTemplate, place, seeded, serverPid, stopped } from "../engine/embedded/harness.ts";
import { hasDatabase, openEmbedded } from "../engine/embedded/server.ts";
import { openHome, type Where } from "./home.ts";

afterEach(cleanUp);
afterAll(dropTemplate);

const EMPTY = "export default { connections: {}, secrets: {} };\n";
const WRONG = "export default { connections: {}, secrets: [] };\n";

function called(root: string, config: string): Where {
  writeFileSync(path.join(root, "lockstep.config.ts"), config);
  return { cwd: root, env: {}, sandbox: false };
}

describe("a home is opened", () => {
  it("with its database, which is made, and started again the next time", async () => {
    const root = place();
    const where = called(root, EMPTY);
    const first = await openHome(where);
    await first.close();
    const data = path.join(first.dir, "postgres-18/data");
    await stopped(data);
    const second = await openHome(where);
    expect(serverPid(data)).toBeDefined();
    expect(second.ring.ids).toEqual(first.ring.ids);
    expect(second.database.installation).toBe(first.database.installation);
    await second.close();
    await stopped(data);
  });

  it("not at all with a wrong configuration: no database is made", async () => {
    const root = place();
    await expect(openHome(called(root, WRONG))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(existsSync(path.join(root, ".lockstep"))).toBe(false);
  });

  it("not at all with a wrong configuration: a database that was there is left as it was, stopped", async () => {
    const dir = await seeded();
    const data = path.join(dir, "postgres-18/data");
    const where = called(path.dirname(dir), WRONG);
    await expect(openHome(where)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await stopped(data);
    expect(existsSync(path.join(dir, "keys.json"))).toBe(false);
  });

  it("not at all with a wrong configuration: a database in use goes on", async () => {
    const dir = await seeded();
    const server = await openEmbedded(dir);
    const where = called(path.dirname(dir), WRONG);
    await expect(openHome(where)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(serverPid(server.dataDir)).toBeDefined();
    await server.close();
    await stopped(server.dataDir);
  });

  it("not at all where the sandbox finds no room for its state: says what is in the way", async () => {
    const where = { ...called(place(), EMPTY), sandbox: true };
    writeFileSync(path.join(where.cwd, ".lockstep"), "");
    await expect(openHome(where)).rejects.toMatchObject({ code: "HOME_NOT_WRITABLE" });
  });

  it("with what is wrong with the configuration before what is wrong with the database", async () => {
    const dir = await seeded();
    writeFileSync(path.join(dir, "version"), "2\n");
    const root = path.dirname(dir);
    await expect(openHome(called(root, WRONG))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    writeFileSync(path.join(root, "right.ts"), EMPTY);
    const where = { ...called(root, EMPTY), configFile: "right.ts" };
    await expect(openHome(where)).rejects.toMatchObject({ code: "HOME_TOO_NEW" });
  });
});

describe("a database", () => {
  it("is seen where there is one", async () => {
    expect(await hasDatabase(path.join(place(), ".lockstep"))).toBe(false);
    expect(await hasDatabase(await seeded())).toBe(true);
  });

  it("that is opened says when it is only waited for: once started, and where it runs already", async () => {
    const dir = await seeded();
    let waits = 0;
    const onWaiting = () => {
      waits += 1;
    };
    const first = await openEmbedded(dir, { onWaiting });
    expect(waits).toBeGreaterThan(0);
    waits = 0;
    const second = await openEmbedded(dir, { onWaiting });
    expect(waits).toBeGreaterThan(0);
    await second.close();
    await first.close();
    await stopped(first.dataDir);
  });
});
