import { type Folder, InfisicalSDK, type Secret } from "@infisical/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { raxxEstate } from "../src/sandbox/estate.ts";
import { RAXX } from "../src/sandbox/raxx.ts";
import { at } from "../src/sandbox/testing.ts";
import { type Served, serve } from "./clients.ts";

const PLACE = { projectId: RAXX.projectId, environment: "prod", secretPath: "/MooseQuest/heroku" };
const NAME = "HEROKU_API_KEY";

// What the SDK's own types promise of a reply; the compiler refuses names that they do not know. Three promises the vendor
// itself does not keep, in either generation: `workspaceId` is sent as `workspace`, `tags` are objects, and the old build
// knows no `secretValueHidden` and no `isRotatedSecret`.
const SECRET = {
  id: "string",
  environment: "string",
  secretKey: "string",
  secretValue: "string",
  secretComment: "string",
  type: "string",
  createdAt: "string",
  updatedAt: "string",
  version: "number",
} as const satisfies { [K in keyof Secret]?: string };
const SECRET_V4 = {
  ...SECRET,
  secretPath: "string",
  secretValueHidden: "boolean",
  isRotatedSecret: "boolean",
} as const satisfies { [K in keyof Secret]?: string };
const FOLDER = {
  id: "string",
  name: "string",
  envId: "string",
  createdAt: "string",
  updatedAt: "string",
} as const satisfies { [K in keyof Folder]?: string };

function typesOf(value: object, shape: Record<string, string>) {
  return Object.fromEntries(Object.keys(shape).map((key) => [key, typeof at(value, key)]));
}

describe.each(["v3", "v4"] as const)("@infisical/sdk with a %s server", (generation) => {
  let served: Served;
  let sdk: InfisicalSDK;
  const shape = generation === "v4" ? SECRET_V4 : SECRET;

  beforeAll(async () => {
    served = await serve({ estate: raxxEstate({ generation }) });
    sdk = await login("lockstep");
  });

  afterAll(() => served.close());

  async function login(name: string): Promise<InfisicalSDK> {
    const { clientId = "", clientSecret = "" } =
      served.sandbox.control.estate().infisical.identities[name] ?? {};
    return new InfisicalSDK({ siteUrl: served.urls.infisical })
      .auth()
      .universalAuth.login({ clientId, clientSecret });
  }

  const read = (more: object = {}) => sdk.secrets().getSecret({ ...PLACE, secretName: NAME, ...more });

  it("logs in by universal auth, renews the token, and refuses a wrong secret", async () => {
    const renewed = await sdk.auth().universalAuth.renew();
    expect((await renewed.secrets().getSecret({ ...PLACE, secretName: NAME })).secretKey).toBe(NAME);
    const { clientId = "" } = served.sandbox.control.estate().infisical.identities["lockstep"] ?? {};
    const wrong = new InfisicalSDK({ siteUrl: served.urls.infisical })
      .auth()
      .universalAuth.login({ clientId, clientSecret: "wrong" });
    await expect(wrong).rejects.toThrow(/\[Method=POST\] \[StatusCode=401\] Invalid credentials/);
  });

  it("reads a secret, of the types that the SDK promises", async () => {
    const secret = await read();
    expect(secret.secretValue).toBe(served.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization]);
    expect(secret.version).toBe(3);
    expect(typesOf(secret, shape)).toEqual(shape);
    const { secrets } = await sdk.secrets().listSecrets(PLACE);
    expect(secrets.map((one) => one.secretKey).toSorted()).toEqual([NAME, "HEROKU_BILLING_API_KEY"]);
    for (const one of secrets) expect(typesOf(one, shape)).toEqual(shape);
  });

  it("lists what lies below a path, and with imports", async () => {
    const below = { ...PLACE, secretPath: "/MooseQuest", recursive: true };
    expect((await sdk.secrets().listSecrets(below)).secrets).toHaveLength(3);
    expect(await sdk.secrets().listSecretsWithImports(PLACE)).toHaveLength(2);
    const nowhere = sdk.secrets().listSecrets({ ...PLACE, secretPath: "/nowhere" });
    if (generation === "v3") expect((await nowhere).secrets).toEqual([]);
    else await expect(nowhere).rejects.toThrow("[StatusCode=404] Folder with path '/nowhere'");
  });

  it("lists what an import shows, behind the folder's own", async () => {
    const from = { environment: "prod", path: "/MooseQuest/app" };
    const act = { act: "import-vault-folder", environment: "prod", path: PLACE.secretPath, from } as const;
    const { id = "" } = served.sandbox.control.act(act);
    const names = (await sdk.secrets().listSecretsWithImports(PLACE)).map((one) => one.secretKey);
    expect(names.toSorted()).toEqual([NAME, "HEROKU_BILLING_API_KEY", "SECRET_KEY"]);
    served.sandbox.control.act({ act: "remove-vault-import", id });
  });

  it("creates, updates and deletes a secret", async () => {
    const { projectId, environment, secretPath } = PLACE;
    const place = { projectId, environment, secretPath };
    const made = await sdk
      .secrets()
      .createSecret("NEW_KEY", { ...place, secretValue: "one", secretComment: "why" });
    expect([made.secret.version, made.secret.secretValue]).toEqual([1, "one"]);
    await expect(sdk.secrets().createSecret("NEW_KEY", { ...place, secretValue: "x" })).rejects.toThrow(
      generation === "v3"
        ? "[StatusCode=400] Secret already exist"
        : "[StatusCode=400] Secret already exists",
    );
    const changed = await sdk.secrets().updateSecret("NEW_KEY", { ...place, secretValue: " two \n\n" });
    expect([changed.secret.id, changed.secret.version]).toEqual([made.secret.id, 2]);
    const after = await read({ secretName: "NEW_KEY" });
    // Kept without the space around it, and with one line feed; the comment stays.
    expect([after.secretValue, after.secretComment]).toEqual(["two\n", "why"]);
    const gone = await sdk.secrets().deleteSecret("NEW_KEY", place);
    expect(gone.secret.id).toBe(made.secret.id);
    await expect(read({ secretName: "NEW_KEY" })).rejects.toThrow(
      /\[Method=GET\] \[StatusCode=404\] Secret with name 'NEW_KEY' not found/,
    );
  });

  const older =
    generation === "v3"
      ? "answers the current version where an older one is asked for"
      : "answers an older version";
  it(older, async () => {
    expect((await read({ version: 1 })).version).toBe(generation === "v3" ? 3 : 1);
  });

  it(`${generation === "v3" ? "does not know how to hide" : "hides"} the value on request`, async () => {
    const hidden = await read({ viewSecretValue: false });
    const value = served.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization];
    expect(hidden.secretValue === value).toBe(generation === "v3");
  });

  it("refuses a viewer's write, a stranger's read and a path that is not there", async () => {
    const { projectId, environment, secretPath } = PLACE;
    const write = { projectId, environment, secretPath, secretValue: "x" };
    const viewer = await login("viewer");
    await expect(viewer.secrets().updateSecret(NAME, write)).rejects.toThrow(
      "[StatusCode=403] You are not allowed to edit on secrets",
    );
    const stranger = await login("stranger");
    await expect(stranger.secrets().getSecret({ ...PLACE, secretName: NAME })).rejects.toThrow(
      "[StatusCode=403]",
    );
    await expect(read({ secretPath: "/nowhere" })).rejects.toThrow(
      "[StatusCode=404] Folder with path '/nowhere' in environment with slug 'prod' not found",
    );
    expect((await read()).version).toBe(3);
  });

  it("creates and lists folders", async () => {
    const { projectId, environment } = PLACE;
    const folder = await sdk
      .folders()
      .create({ projectId, environment, path: "/MooseQuest", name: "fidelity" });
    expect(typesOf(folder, FOLDER)).toEqual(FOLDER);
    const again = await sdk
      .folders()
      .create({ projectId, environment, path: "/MooseQuest", name: "fidelity" });
    expect(again.id).toBe(folder.id);
    const all = await sdk.folders().listFolders({ projectId, environment, path: "/MooseQuest" });
    expect(all.map((one) => one.name).toSorted()).toEqual(["app", "fidelity", "heroku"]);
  });
});
