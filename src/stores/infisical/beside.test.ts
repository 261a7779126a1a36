import { beforeEach, describe, expect, it } from "vitest";
import type { Vault } from "../../core/store.ts";
import { secretsOf } from "../../vendors/testing.ts";
import { AT, CONFIG, KEY, vaultWorld } from "./testing.ts";

const OURS = "11111111-2222-4333-8444-555555555555";
const OTHER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const CLAIMS = { environment: "prod", path: `${CONFIG.path}/lockstep` };
const TEXT = "HRKU-new-value-of-the-test";
const NEW = secretsOf({ token: TEXT });
let world: Awaited<ReturnType<typeof vaultWorld>>;
let vault: Vault;

describe.each(["v3", "v4"] as const)("beside an entry on %s", (generation) => {
  beforeEach(async () => {
    world = await vaultWorld(generation, [TEXT]);
    vault = world.connect();
  });

  it("[X-10] claims the entry in a folder of its own, once", async () => {
    expect(await vault.claim()).toEqual({ is: "done", value: {} });
    expect((await vault.putClaim(OURS)).is).toBe("done");
    expect(await vault.claim()).toEqual({ is: "done", value: { installation: OURS } });
    const before = world.writes();
    expect((await vault.putClaim(OURS)).is).toBe("done");
    expect(world.writes()).toBe(before);
    // Neither the folder's own entries nor its version have changed.
    expect(await vault.observe()).toMatchObject({ value: { version: "3" } });
    const paths = world.control.journal.list({ effect: "write" }).map(({ path }) => path);
    expect(paths).toEqual([expect.stringContaining("/folders"), expect.stringContaining(`/${KEY}`)]);
    expect((await world.connect({}, "viewer").claim()).is).toBe("done");
  });

  it("[X-10] takes over what another installation claimed, when told to", async () => {
    world.control.act({ act: "set-vault-secret", ...CLAIMS, key: KEY, value: { text: OTHER } });
    expect(await vault.claim()).toEqual({ is: "done", value: { installation: OTHER } });
    expect((await vault.putClaim(OURS)).is).toBe("done");
    expect(await vault.claim()).toEqual({ is: "done", value: { installation: OURS } });
  });

  it("[X-10] claims every key of a pair, and hides no second claimant", async () => {
    const pair = world.connect({ fields: { id: "KEY_ID", secret: "KEY_SECRET" } });
    expect((await pair.putClaim(OURS)).is).toBe("done");
    expect(await pair.claim()).toEqual({ is: "done", value: { installation: OURS } });
    world.control.act({ act: "set-vault-secret", ...CLAIMS, key: "KEY_SECRET", value: { text: OTHER } });
    expect(await pair.claim()).toEqual({ is: "done", value: { installation: `${OURS}, ${OTHER}` } });
  });

  it("[X-10] never calls a claim that cannot be read none", async () => {
    expect(await world.connect({}, "stranger").claim()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION" },
    });
    for (const status of [200, 401, 403, 404]) {
      world.control.addFault({ kind: "html", status, method: "GET" });
      expect(await vault.claim()).toMatchObject({ is: "unknown", trouble: { code: "VENDOR_REPLY_FOREIGN" } });
      world.control.addFault({ kind: "html", status, method: "GET" });
      expect((await vault.putClaim(OURS)).is).toBe("unknown");
    }
    world.control.addFault({ kind: "status", status: 503, method: "GET" });
    expect((await vault.claim()).is).toBe("retryable");
    const rule = { act: "set-vault-permission", identity: "lockstep", allow: false } as const;
    world.control.act({ ...rule, actions: ["read", "describeSecret", "readValue"], path: CLAIMS.path });
    world.control.act({ act: "set-vault-secret", ...CLAIMS, key: KEY, value: { text: OTHER } });
    expect(await vault.claim()).toMatchObject({ is: "refused", trouble: { code: "VENDOR_PERMISSION" } });
    expect((await vault.putClaim(OURS)).is).toBe("refused");
    expect(world.writes()).toBe(0);
  });

  it("[X-10] overwrites nothing that is no claim", async () => {
    world.control.act({ act: "set-vault-secret", ...CLAIMS, key: KEY, value: { text: TEXT } });
    for (const asked of [await vault.claim(), await vault.putClaim(OURS)])
      expect(asked).toMatchObject({ is: "refused", trouble: { code: "VAULT_ENTRY_UNSUITABLE" } });
    expect(world.writes()).toBe(0);
    await expect(vault.putClaim("not-a-uuid")).rejects.toThrow(TypeError);
  });

  it("[X-10] believes no reply of a write: the claim is read back", async () => {
    await vault.putClaim(OTHER);
    world.control.addFault({ kind: "no-effect", method: "PATCH" });
    expect(await vault.putClaim(OURS)).toMatchObject({ is: "unknown", trouble: { code: "VAULT_DIFFERS" } });
    expect((await vault.putClaim(OURS)).is).toBe("done");
    for (const kind of ["lost-reply", "truncated", "error-after"] as const) {
      world.control.addFault({ kind, method: "PATCH" });
      expect((await vault.putClaim(OTHER)).is).toBe("unknown");
      expect(await vault.claim()).toEqual({ is: "done", value: { installation: OTHER } });
      expect((await vault.putClaim(OURS)).is).toBe("done");
    }
    const viewer = world.connect({}, "viewer");
    expect(await viewer.putClaim(OTHER)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION" },
    });
  });

  it("[X-14] [X-10] names the change request that a claim became", async () => {
    await vault.putClaim(OTHER);
    world.control.act({ act: "set-approval-policy", ...CLAIMS, on: true, coversIdentities: true });
    expect(await vault.putClaim(OURS)).toMatchObject({
      is: "unknown",
      trouble: {
        code: "VAULT_APPROVAL_PENDING",
        message: expect.stringContaining("the claim on HEROKU_API_KEY"),
      },
    });
  });

  describe("change requests", () => {
    const policy = { act: "set-approval-policy", ...AT, on: true, coversIdentities: true } as const;
    const shown = (yes: boolean) => world.control.set({ infisical: { approvalsShownToIdentities: yes } });

    it("[X-14] are listed where the identity may see them, also by another process, until they are decided", async () => {
      shown(true);
      expect(await vault.openApprovals()).toEqual({ is: "done", value: [] });
      world.control.act(policy);
      const pending = await vault.write(NEW);
      const open = await vault.openApprovals();
      const [id = ""] = open.is === "done" ? open.value : [];
      expect(pending.is !== "done" && pending.trouble.message).toContain(`(${id})`);
      expect(await world.connect().openApprovals()).toEqual({ is: "done", value: [id] });
      // Neighbours and other folders are not concerned.
      const neighbour = world.connect({ fields: { token: "HEROKU_BILLING_API_KEY" } });
      expect(await neighbour.openApprovals()).toEqual({ is: "done", value: [] });
      const app = { path: "/MooseQuest/app", fields: { token: "SECRET_KEY" } };
      expect(await world.connect(app).openApprovals()).toEqual({ is: "done", value: [] });
      world.control.act({ act: "decide-approval", id, decision: "reject" });
      expect(await vault.openApprovals()).toEqual({ is: "done", value: [] });
    });

    it("[X-14] that the vendor shows to people only are not told; a run that filed one asks a person", async () => {
      expect(await vault.openApprovals()).toEqual({ is: "done", value: [] });
      world.control.act(policy);
      expect((await vault.write(NEW)).is).toBe("unknown");
      expect(await vault.openApprovals()).toEqual({ is: "done", value: [] });
      shown(true);
      expect(await vault.openApprovals()).toMatchObject({ is: "done", value: [expect.any(String)] });
    });

    it("[X-14] are looked up one by one where the list leaves out their places and keys", async () => {
      const id = "6f0e3b52-8f4c-4f9a-b1d7-2c95e7a04f38";
      const row = { id, slug: "abc", status: "open", hasMerged: false, environment: "prod" };
      const list = (approvals: object[], totalCount = approvals.length) =>
        ({ kind: "status", status: 200, body: { approvals, totalCount }, method: "GET" }) as const;
      const detail = (more: object) =>
        ({ kind: "status", status: 200, body: { approval: { ...row, ...more } }, method: "GET" }) as const;
      const bare = { ...row, commits: [{ op: "update", secretId: id }] };
      const touching = { secretPath: CONFIG.path, commits: [{ op: "update", secretKey: KEY }] };
      const asked = async (...replies: Parameters<typeof world.control.addFault>[0][]) => {
        for (const one of replies) world.control.addFault(one);
        return vault.openApprovals();
      };
      await vault.observe();
      expect(await asked(list([bare]), detail(touching))).toEqual({ is: "done", value: [id] });
      expect(await asked(list([bare]), detail({ ...touching, secretPath: "/shared" }))).toEqual({
        is: "done",
        value: [],
      });
      expect(await asked(list([bare]), detail({ ...touching, status: "close" }))).toEqual({
        is: "done",
        value: [],
      });
      // A list that is longer than one answer is read to its end.
      expect(await asked(list([{ ...row, ...touching }], 2), list([bare], 2), detail(touching))).toEqual({
        is: "done",
        value: [id, id],
      });
      // What does not tell its keys may touch any.
      expect(await asked(list([bare]), detail({ secretPath: CONFIG.path }))).toEqual({
        is: "done",
        value: [id],
      });
    });

    it("[X-09] [X-14] are not told by a proxy's page", async () => {
      for (const status of [200, 401, 403, 404]) {
        world.control.addFault({ kind: "html", status, method: "GET" });
        expect((await vault.openApprovals()).is).toBe("unknown");
      }
    });
  });
});

describe("a claim", () => {
  beforeEach(async () => {
    world = await vaultWorld("v4");
    vault = world.connect();
  });

  it("[X-10] that another installation wrote at the same time is refused", async () => {
    await vault.putClaim(OTHER);
    const late = { secretValue: OTHER, version: 3, environment: "prod", workspace: CONFIG.project };
    world.control.addFault({ kind: "status", status: 200, body: { secret: late }, method: "GET", skip: 1 });
    expect(await vault.putClaim(OURS)).toMatchObject({
      is: "refused",
      trouble: { code: "CLAIMED_ELSEWHERE", message: expect.stringContaining(OTHER) },
    });
  });

  it("[X-10] that a lagging read does not show yet is no other one's", async () => {
    await vault.putClaim(OTHER);
    world.control.addFault({ kind: "stale", method: "GET", skip: 1 });
    expect(await vault.putClaim(OURS)).toMatchObject({ is: "unknown", trouble: { code: "VAULT_DIFFERS" } });
    expect((await vault.putClaim(OURS)).is).toBe("done");
  });

  it("[X-10] is not taken along by a native sync of the entry's folder", async () => {
    await vault.putClaim(OURS);
    const destination = { kind: "heroku", app: "raxx-console-staging" } as const;
    const made = world.control.act({ act: "add-vault-sync", ...AT, destination });
    world.control.act({ act: "change-vault-sync", id: made.id ?? "", run: true });
    const app = world.control.truth().heroku.apps.find(({ name }) => name === "raxx-console-staging");
    expect(Object.keys(app?.config ?? {})).toContain("HEROKU_BILLING_API_KEY");
    expect(JSON.stringify(world.control.truth().heroku)).not.toContain(OURS);
  });
});
