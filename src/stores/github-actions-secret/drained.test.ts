import { beforeEach, describe, expect, it } from "vitest";
import type { Receipt, Store } from "../../core/store.ts";
import { bench, NEW, OWN, PROOF, REPOSITORY, written } from "./harness.ts";

let world: Awaited<ReturnType<typeof bench>>;
let store: Store;

beforeEach(async () => {
  world = await bench();
  store = world.connect({ proof: PROOF });
});

function queue(workflow: string, hold: "queued" | "in_progress" = "queued"): string {
  return world.control.act({ act: "queue-run", repository: REPOSITORY, workflow, hold }).id ?? "";
}

function finish(run: string) {
  world.control.act({ act: "finish-run", repository: REPOSITORY, run, conclusion: "success" });
}

/** The write comes well after what was queued before it. */
async function writtenLater(): Promise<Receipt> {
  await world.clock.advance(30_000);
  return written(store);
}

describe("the drain of a GitHub secret", () => {
  it("[HK-23] waits for every run queued or in progress from before the write, and names it", async () => {
    const runs = [queue("deploy-heroku.yml"), queue("tests.yml", "in_progress")];
    const receipt = await writtenLater();
    expect(await store.drained(receipt)).toMatchObject({
      is: "unknown",
      trouble: {
        code: "DRAIN_UNFINISHED",
        message: expect.stringMatching(new RegExp(`${runs[0]} Deploy to Heroku \\(queued\\)`)),
      },
    });
    const [first = "", second = ""] = runs;
    finish(first);
    expect(await store.drained(receipt)).toMatchObject({
      is: "unknown",
      trouble: { message: expect.stringContaining(`${second} Tests (in_progress)`) },
    });
    finish(second);
    expect(await store.drained(receipt)).toMatchObject({ is: "proved" });
  });

  it("[HK-23] waits for no run that was queued after the write", async () => {
    const receipt = await writtenLater();
    await world.clock.advance(30_000);
    queue("deploy-heroku.yml");
    expect((await store.drained(receipt)).is).toBe("proved");
  });

  it("[HK-23] counts a run of the same second, which may hold either value", async () => {
    const receipt = await writtenLater();
    queue("deploy-heroku.yml");
    expect((await store.drained(receipt)).is).toBe("unknown");
  });

  it("[HK-23] does not wait for the run of its own proof", async () => {
    const receipt = await writtenLater();
    await store.prove(receipt, NEW);
    expect(world.runs()).toMatchObject([{ status: "queued" }]);
    expect((await store.drained(receipt)).is).toBe("proved");
    // Without a proof configured it is a workflow like any other.
    store = world.connect();
    expect((await store.drained(receipt)).is).toBe("unknown");
  });

  it("[HK-23] names three runs and counts the rest", async () => {
    const runs = Array.from({ length: 5 }, () => queue("deploy-heroku.yml"));
    const proof = await store.drained(await writtenLater());
    const message = proof.is === "unknown" ? proof.trouble.message : "";
    expect(message).toContain("5 workflow runs");
    expect(message).toContain("2 more");
    expect(runs.filter((run) => message.includes(run)).length).toBe(3);
  });

  it("[HK-23] does not take a page for the whole list", async () => {
    const receipt = await writtenLater();
    const body = { total_count: 101, workflow_runs: [] };
    world.control.addFault({ kind: "status", status: 200, headers: OWN, body, route: "*/actions/runs" });
    expect(await store.drained(receipt)).toMatchObject({
      is: "unknown",
      trouble: { code: "DRAIN_UNFINISHED", message: expect.stringContaining("101") },
    });
  });

  it("[HK-23] asks for every status that a run can wait in", async () => {
    const receipt = await writtenLater();
    const asked = new Set<string | null>();
    store = world.connect(
      {},
      {
        on: (request, response) => {
          asked.add(new URL(request.url).searchParams.get("status"));
          return response;
        },
      },
    );
    await store.drained(receipt);
    expect(asked).toEqual(new Set(["requested", "pending", "queued", "in_progress", "waiting"]));
  });

  it("[X-09] is unknown while GitHub does not answer, and refuted where the token may not look", async () => {
    const receipt = await writtenLater();
    world.control.addFault({ kind: "html", status: 200, route: "*/actions/runs" });
    expect((await store.drained(receipt)).is).toBe("unknown");
    world.control.addFault({ kind: "status", status: 502, route: "*/actions/runs" });
    expect((await store.drained(receipt)).is).toBe("unknown");
    store = world.connect({}, { token: "no-secrets" });
    expect(await store.drained(receipt)).toMatchObject({
      is: "refuted",
      trouble: { code: "VENDOR_PERMISSION", next: expect.stringContaining("actions=read") },
    });
  });
});
