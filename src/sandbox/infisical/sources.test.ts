import { beforeEach, describe, expect, it } from "vitest";
import { raxxEstate } from "../estate.ts";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import type { NativeSync, SyncDestination } from "./state.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;
const HEROKU = { environment: "prod", path: "/MooseQuest/heroku" };
const APP = { environment: "prod", path: "/MooseQuest/app" };
/** A reference as the vault writes it. */
const refer = (name: string) => `\${${name}}`;
const query = (fields: Record<string, string>) => `?${new URLSearchParams(fields)}`;
const place = ({ environment, path }: typeof HEROKU) => ({
  projectId: RAXX.projectId,
  environment,
  secretPath: path,
});

beforeEach(async () => {
  world = await testSandbox();
  send = await world.login("lockstep");
});

function act(...acts: Parameters<typeof world.sandbox.control.act>) {
  return world.sandbox.control.act(...acts);
}

async function entry(key: string, more: Record<string, string> = {}, from = HEROKU) {
  const { status, body } = await send("GET", `/api/v4/secrets/${key}${query({ ...place(from), ...more })}`);
  return { status, value: at(body, "secret", "secretValue"), secret: at(body, "secret"), body };
}

describe("[HK-25] an entry that is a reference", () => {
  const reference = {
    ...HEROKU,
    key: "COPY",
    value: { text: refer("prod.MooseQuest.app.SECRET_KEY") },
  } as const;

  it("[HK-25] reads as it is written, and as what it refers to where that is asked for", async () => {
    act({ act: "set-vault-secret", ...reference });
    const target = (await entry("SECRET_KEY", {}, APP)).value;
    expect((await entry("COPY")).value).toBe(reference.value.text);
    expect((await entry("COPY", { expandSecretReferences: "true" })).value).toBe(target);
    const listed = await send(
      "GET",
      `/api/v4/secrets${query({ ...place(HEROKU), expandSecretReferences: "true" })}`,
    );
    expect(listed.text).toContain(String(target));
    const truth = world.sandbox.control.truth().infisical.projects[0]?.secrets;
    expect(truth?.filter((one) => one.reference).map((one) => one.key)).toEqual(["COPY"]);
  });

  it("[HK-25] follows chains, leaves what leads nowhere, and ends in a circle", async () => {
    act({ act: "set-vault-secret", ...HEROKU, key: "A", value: { text: `<${refer("B")}>` } });
    act({ act: "set-vault-secret", ...HEROKU, key: "B", value: { text: refer("dev.NOWHERE") } });
    const expand = { expandSecretReferences: "true" };
    expect((await entry("A", expand)).value).toBe(`<${refer("dev.NOWHERE")}>`);
    act({ act: "set-vault-secret", ...HEROKU, key: "B", value: { text: refer("A") } });
    expect((await entry("A", expand)).status).toBe(200);
  });

  it("[HK-25] is refused where the caller may not read what it refers to", async () => {
    act({ act: "set-vault-secret", ...reference });
    act({
      act: "set-vault-permission",
      identity: "lockstep",
      actions: ["read"],
      allow: false,
      path: APP.path,
    });
    expect((await entry("COPY")).status).toBe(200);
    expect((await entry("COPY", { expandSecretReferences: "true" })).status).toBe(403);
  });
});

describe("[HK-25] an import of another folder", () => {
  it("[HK-25] shows the other folder's secrets where imports are asked for, under their own place", async () => {
    const { id } = act({ act: "import-vault-folder", ...HEROKU, from: APP });
    expect((await entry("SECRET_KEY")).status).toBe(404);
    const shown = await entry("SECRET_KEY", { include_imports: "true" });
    expect([shown.status, at(shown.secret, "secretPath")]).toEqual([200, APP.path]);
    const list = await send("GET", `/api/v4/secrets${query({ ...place(HEROKU), includeImports: "true" })}`);
    expect([at(list.body, "imports", 0, "secretPath"), at(list.body, "imports", 0, "environment")]).toEqual([
      APP.path,
      "prod",
    ]);
    expect(at(list.body, "imports", 0, "secrets", 0, "secretKey")).toBe("SECRET_KEY");
    act({ act: "remove-vault-import", id: id ?? "" });
    expect((await entry("SECRET_KEY", { include_imports: "true" })).status).toBe(404);
  });

  it("[HK-25] goes behind a secret of the folder itself, and is seen through another import", async () => {
    act({ act: "set-vault-secret", ...APP, key: "HEROKU_API_KEY", value: { text: "imported" } });
    act({ act: "import-vault-folder", ...HEROKU, from: APP });
    expect((await entry("HEROKU_API_KEY", { include_imports: "true" })).value).not.toBe("imported");
    const dev = { environment: "dev", path: "/" };
    act({ act: "import-vault-folder", ...dev, from: HEROKU });
    expect((await entry("SECRET_KEY", { include_imports: "true" }, dev)).status).toBe(200);
  });

  it("[HK-25] is listed by v2, and by v1 in both builds, for who may read imports", async () => {
    act({ act: "import-vault-folder", ...HEROKU, from: APP });
    const where = { environment: HEROKU.environment, path: HEROKU.path };
    const now = await send("GET", `/api/v2/secret-imports${query({ projectId: RAXX.projectId, ...where })}`);
    const [found] = [at(now.body, "secretImports", 0)];
    expect([now.status, at(found, "importPath"), at(found, "importEnv", "slug")]).toEqual([
      200,
      APP.path,
      "prod",
    ]);
    const older = `/api/v1/secret-imports${query({ workspaceId: RAXX.projectId, ...where })}`;
    expect((await send("GET", older)).status).toBe(200);
    act({
      act: "set-vault-permission",
      identity: "lockstep",
      subject: "secret-imports",
      actions: ["read"],
      allow: false,
    });
    expect((await send("GET", older)).status).toBe(403);
    world.sandbox.control.set({ infisical: { generation: "v3" } });
    const viewer = await world.login("viewer");
    expect((await viewer("GET", older)).status).toBe(200);
    expect(
      (await viewer("GET", `/api/v2/secret-imports${query({ projectId: RAXX.projectId })}`)).status,
    ).toBe(404);
  });
});

describe("[HK-25] a secret of the vault's own rotation", () => {
  it("[HK-25] says so, and takes no value, no new name and no deletion", async () => {
    act({ act: "mark-rotated", ...HEROKU, key: "HEROKU_API_KEY", rotated: true });
    const { secret } = await entry("HEROKU_API_KEY");
    expect([at(secret, "isRotatedSecret"), typeof at(secret, "rotationId")]).toEqual([true, "string"]);
    const body = { ...place(HEROKU), secretValue: "x" };
    const url = "/api/v4/secrets/HEROKU_API_KEY";
    const batch = { ...place(HEROKU), secrets: [{ secretKey: "HEROKU_API_KEY", secretValue: "x" }] };
    expect((await send("PATCH", url, body)).status).toBe(400);
    expect((await send("PATCH", "/api/v4/secrets/batch", batch)).status).toBe(400);
    expect((await send("DELETE", "/api/v4/secrets/batch", batch)).status).toBe(400);
    act({ act: "mark-rotated", ...HEROKU, key: "HEROKU_API_KEY", rotated: false });
    expect((await send("PATCH", url, body)).status).toBe(200);
  });
});

describe("[HK-25] a native sync", () => {
  const list = `/api/v1/secret-syncs${query({ projectId: RAXX.projectId })}`;
  const heroku: SyncDestination = { kind: "heroku", app: "raxx-api-staging" };
  const write = (value: string) =>
    send("PATCH", "/api/v4/secrets/HEROKU_API_KEY", { ...place(HEROKU), secretValue: value });
  const config = (app = "raxx-api-staging") =>
    world.sandbox.heroku.apps.find((one) => one.name === app)?.releases.at(-1)?.config ?? {};

  it("[HK-25] is listed with its source and destination, for who may read syncs", async () => {
    const { id = "" } = act({ act: "add-vault-sync", ...HEROKU, destination: heroku, active: false });
    const { body } = await send("GET", list);
    const [sync] = [at(body, "secretSyncs", 0)];
    expect([at(sync, "id"), at(sync, "destination"), at(sync, "isAutoSyncEnabled")]).toEqual([
      id,
      "heroku",
      false,
    ]);
    expect([at(sync, "environment", "slug"), at(sync, "folder", "path")]).toEqual(["prod", HEROKU.path]);
    expect([at(sync, "syncOptions", "initialSyncBehavior"), at(sync, "syncStatus")]).toEqual([
      "overwrite-destination",
      "pending",
    ]);
    expect(at((await send("GET", `/api/v1/secret-syncs/heroku/${id}`)).body, "secretSync", "id")).toBe(id);
    act({
      act: "set-vault-permission",
      identity: "lockstep",
      subject: "secret-syncs",
      actions: ["read"],
      allow: false,
    });
    expect((await send("GET", list)).status).toBe(403);
    world.sandbox.control.set({ infisical: { generation: "v3" } });
    expect((await send("GET", list)).status).toBe(404);
  });

  it("[HK-25] overwrites its destination after every change in the folder, only while it is active", async () => {
    const { id = "" } = act({ act: "add-vault-sync", ...HEROKU, destination: heroku });
    await write("one");
    expect([config()["HEROKU_API_KEY"], config()["APP_ENV"]]).toEqual(["one", "staging"]);
    act({ act: "change-vault-sync", id, active: false });
    await write("two");
    expect(config()["HEROKU_API_KEY"]).toBe("one");
    act({
      act: "set-config-var",
      app: "raxx-api-staging",
      name: "HEROKU_API_KEY",
      value: { text: "by hand" },
    });
    act({ act: "change-vault-sync", id, run: true });
    expect(config()["HEROKU_API_KEY"]).toBe("two");
    expect(at((await send("GET", list)).body, "secretSyncs", 0, "syncStatus")).toBe("succeeded");
  });

  it("[HK-25] deletes what it does not know where it is told so, but for an add-on's", async () => {
    act({ act: "add-vault-sync", ...HEROKU, destination: heroku, deletesOthers: true });
    expect(Object.keys(config()).toSorted()).toEqual([
      "DATABASE_URL",
      "HEROKU_API_KEY",
      "HEROKU_BILLING_API_KEY",
    ]);
  });

  it.each<[NativeSync["initialSyncBehavior"], string]>([
    ["import-prioritize-destination", "by hand"],
    ["import-prioritize-source", "in the vault"],
  ])("[HK-25] takes over the destination's values at first by %s", async (initially, kept) => {
    act({ act: "set-vault-secret", ...HEROKU, key: "LOG_LEVEL", value: { text: "in the vault" } });
    act({ act: "set-config-var", app: "raxx-api-staging", name: "LOG_LEVEL", value: { text: "by hand" } });
    act({ act: "add-vault-sync", ...HEROKU, destination: heroku, initially });
    expect([(await entry("LOG_LEVEL")).value, (await entry("APP_ENV")).value]).toEqual([kept, "staging"]);
  });

  it("[HK-25] overwrites an entry of the vault itself, and a GitHub secret, and fails alone", async () => {
    const vault = { kind: "external-infisical", ...place(HEROKU) } as const;
    act({ act: "add-vault-sync", environment: "dev", path: "/source", destination: vault });
    const github = { kind: "github", repository: "raxx-app/TradeMasterAPI" } as const;
    act({ act: "add-vault-sync", ...HEROKU, destination: github });
    const gone = { kind: "heroku", app: "nowhere" } as const;
    act({ act: "add-vault-sync", ...HEROKU, destination: gone });
    const source = { environment: "dev", path: "/source", key: "HEROKU_API_KEY" };
    act({ act: "set-vault-secret", ...source, value: { text: "from elsewhere" } });
    expect((await entry("HEROKU_API_KEY")).value).toBe("from elsewhere");
    const secret = world.sandbox.github.repositories[0]?.secrets.find((one) => one.name === "HEROKU_API_KEY");
    expect(secret?.value).toBe("from elsewhere");
    const { body } = await send("GET", `/api/v1/secret-syncs/heroku${query({ projectId: RAXX.projectId })}`);
    expect(at(body, "secretSyncs", 0, "syncStatus")).toBe("failed");
    expect((await write("still works")).status).toBe(200);
  });

  it("[HK-25] shows only the old build's routes to a client of the old build", async () => {
    const old = await testSandbox({ estate: raxxEstate({ generation: "v3" }) });
    expect((await (await old.login("lockstep"))("GET", list)).status).toBe(404);
  });
});
