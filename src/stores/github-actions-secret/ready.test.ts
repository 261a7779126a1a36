import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../core/store.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { bench, NAME, OWN, PROOF, REPOSITORY, TEXT } from "./harness.ts";

let world: Awaited<ReturnType<typeof bench>>;

beforeEach(async () => {
  world = await bench();
});

const ORGANIZATION = REPOSITORY.split("/")[0] ?? "";
const ROUTE = `/repos/${REPOSITORY}`;

async function openOf(store: Store): Promise<string> {
  const outcome = await store.ready();
  return outcome.is === "done" ? outcome.value.open.join("\n") : outcome.trouble.message;
}

function wide(change: Parameters<typeof world.connect>[0] = {}) {
  return world.connect(change, { token: "rotation-wide" });
}

/** A token of the classic kind: GitHub tells its scopes, and the role of its user. */
function classic(scopes: string, push: boolean | undefined) {
  const on = (request: Request, response: Response) => {
    if (!new URL(request.url).pathname.endsWith(REPOSITORY)) return response;
    const permissions = push === undefined ? {} : { permissions: { push } };
    const body = JSON.stringify({ id: RAXX.repositoryId, full_name: REPOSITORY, ...permissions });
    return new Response(body, { headers: { ...OWN, "x-oauth-scopes": scopes } });
  };
  return world.connect({}, { token: "rotation-wide", on });
}

describe("whether a GitHub secret is ready", () => {
  it("[P6] sees the place as an observation does, and refuses another repository", async () => {
    expect(await wide().ready()).toMatchObject({
      is: "done",
      value: { present: true, targetId: String(RAXX.repositoryId), changedAt: "2026-07-01T14:05:40.000Z" },
    });
    expect(await wide({ fields: { token: "ABSENT" } }).ready()).toMatchObject({ value: { present: false } });
    expect(await wide({ repositoryId: 1 }).ready()).toMatchObject({
      is: "refused",
      trouble: { code: "DESTINATION_UNREADY" },
    });
  });

  it("only reads", async () => {
    await wide({ proof: PROOF }).ready();
    expect(world.calls()).toBe(world.calls("GET"));
  });

  it.each([
    [{ environment: "production" }, "environment production"],
    [{ repository: undefined, organization: ORGANIZATION, kind: "actions" }, "organization"],
    [{ kind: "dependabot" }, "dependabot"],
    [{ kind: "codespaces" }, "codespaces"],
    [{ repository: undefined, organization: ORGANIZATION, kind: "dependabot" }, "organization dependabot"],
    [{ repository: undefined, organization: ORGANIZATION, kind: "codespaces" }, "organization codespaces"],
  ])("[HK-22] stops at the same name in %j, unless it is declared", async (place, where) => {
    world.put(place, "of-somebody-else");
    expect(await wide().ready()).toMatchObject({
      is: "refused",
      trouble: {
        code: "SHADOWED",
        message: expect.stringContaining(`${NAME} in ${where}`),
        next: expect.stringContaining(`shadows: ["${where}"]`),
      },
    });
    const declared = await wide({ shadows: [where.replace("production", "Production")] }).ready();
    expect(declared.is).toBe("done");
    world.put(place, null);
    expect((await wide().ready()).is).toBe("done");
  });

  it("[HK-22] passes over an organization's secret that the repository does not see", async () => {
    const place = { repository: undefined, organization: ORGANIZATION, kind: "dependabot" };
    world.put({ ...place, visibility: "selected", repositories: [1] }, "for-another");
    expect((await wide().ready()).is).toBe("done");
    world.put({ ...place, visibility: "selected", repositories: [RAXX.repositoryId] }, "for-this-one");
    expect(await wide().ready()).toMatchObject({ is: "refused", trouble: { code: "SHADOWED" } });
  });

  it("[HK-22] finds the name on later pages, in every environment", async () => {
    for (let i = 0; i < 120; i += 1)
      world.control.act({
        act: "set-github-environment",
        repository: REPOSITORY,
        environment: `preview/${i}`,
        exists: true,
      });
    expect((await wide().ready()).is).toBe("done");
    world.put({ environment: "preview/119" }, "of-somebody-else");
    expect(await wide().ready()).toMatchObject({
      is: "refused",
      trouble: { code: "SHADOWED", message: expect.stringContaining("environment preview/119") },
    });
  });

  it("[HK-22] [X-09] does not take a lock-out for a place that it may not see", async () => {
    const store = world.connect();
    world.put({ environment: "production" }, TEXT);
    const message = "Maximum number of login attempts exceeded. Please try again later.";
    const route = "/repos/:owner/:repo/environments/:environment/secrets";
    world.control.addFault({ kind: "status", status: 403, headers: OWN, body: { message }, route });
    expect((await store.survey()).is).toBe("retryable");
    expect(await store.survey()).toMatchObject({ value: [{ place: expect.stringContaining("production") }] });
  });

  it("[HK-22] says where it may not look, and with which permission it could", async () => {
    const open = await openOf(world.connect());
    for (const needed of [
      "Dependabot secrets: read",
      "Codespaces secrets: write",
      "Organization dependabot secrets: read",
      "Organization codespaces secrets: read",
    ])
      expect(open).toContain(`needs "${needed}"`);
    expect(open).not.toContain("nvironment");
    for (const permission of ["environments", "actions"]) {
      world.control.act({ act: "set-github-permission", name: "rotation", permission, level: null });
      expect(await openOf(world.connect())).toContain("nvironment");
    }
    expect(await openOf(world.connect())).toContain("whether its workflow runs have ended");
    expect(await openOf(wide())).not.toContain("secrets of");
  });

  it("[X-09] takes a proxy's refusal of a look for no answer", async () => {
    const route = `${ROUTE}/dependabot/secrets`;
    world.control.addFault({ kind: "status", status: 403, headers: { "x-github-request-id": "" }, route });
    expect((await wide().ready()).is).toBe("unknown");
    world.control.addFault({ kind: "status", status: 502, route });
    expect((await wide().ready()).is).toBe("retryable");
    // A list that is shorter than it says of itself shows nothing of what is absent.
    const body = { total_count: 3, secrets: [] };
    world.control.addFault({ kind: "status", status: 200, headers: OWN, body, route });
    expect((await wide().ready()).is).toBe("unknown");
  });

  it("[HK-25] knows what a classic token may do, and says of others that it does not", async () => {
    expect(await classic("repo, workflow", true).ready()).toMatchObject({
      value: { mayWrite: "yes", open: [] },
    });
    expect(await classic("repo", undefined).ready()).toMatchObject({ value: { mayWrite: "unknown" } });
    for (const store of [classic("", true), classic("public_repo", true), classic("repo", false)])
      expect(await store.ready()).toMatchObject({
        is: "refused",
        trouble: { code: "VENDOR_PERMISSION", next: expect.stringContaining("byHand: true") },
      });
    expect(await wide().ready()).toMatchObject({ value: { mayWrite: "unknown" } });
    expect(await openOf(wide())).toContain(`whether the token may write github ${REPOSITORY} ${NAME}`);
  });

  it("[HK-25] refuses a token that may not even look at secrets", async () => {
    const refused = { is: "refused", trouble: { code: "VENDOR_PERMISSION" } };
    const none = { token: "no-secrets" };
    expect(await world.connect({}, none).ready()).toMatchObject({
      ...refused,
      trouble: { next: expect.stringContaining("byHand: true") },
    });
    expect(await world.connect({ byHand: true }, none).ready()).toMatchObject({
      ...refused,
      trouble: { next: expect.stringContaining("Secrets: read") },
    });
  });

  it("[DR-13] asks for no right to write where a person does", async () => {
    const store = world.connect({ byHand: true }, { token: "read-only" });
    expect(await store.ready()).toMatchObject({ is: "done", value: { mayWrite: "unknown" } });
    expect(await openOf(store)).toContain("whether the person who writes");
  });

  it("[X-06] finds out before anything is created that the proof's workflow cannot run", async () => {
    const set = (enabled: boolean) =>
      world.control.act({ act: "set-workflow", repository: REPOSITORY, workflow: PROOF.workflow, enabled });
    const unready = { is: "refused", trouble: { code: "DESTINATION_UNREADY" } };
    expect((await wide({ proof: PROOF }).ready()).is).toBe("done");
    set(false);
    expect(await wide({ proof: PROOF }).ready()).toMatchObject(unready);
    set(true);
    expect(await wide({ proof: { ...PROOF, workflow: "absent.yml" } }).ready()).toMatchObject(unready);
    const level = null;
    world.control.act({
      act: "set-github-permission",
      name: "rotation-wide",
      permission: "actions",
      level,
    });
    expect(await wide({ proof: PROOF }).ready()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", next: expect.stringContaining("Actions: write") },
    });
  });
});
