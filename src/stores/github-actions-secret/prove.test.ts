import { beforeEach, describe, expect, it } from "vitest";
import type { Receipt, Store } from "../../core/store.ts";
import { secretsOf } from "../../vendors/testing.ts";
import { bench, NAME, NEW, OWN, PROOF, REPOSITORY, written } from "./harness.ts";

let world: Awaited<ReturnType<typeof bench>>;
let store: Store;
let receipt: Receipt;

beforeEach(async () => {
  world = await bench();
  store = world.connect({ proof: PROOF });
  receipt = await written(store);
});

const prove = () => store.prove(receipt, NEW);
const dispatched = () => world.calls("POST", "/dispatches");
const UNPROVED = { code: "DESTINATION_UNPROVED" };
const DISPATCH = `/repos/${REPOSITORY}/actions/workflows/:file/dispatches`;

/** Long enough for a run of the sandbox. */
const RUN_MS = 10_000;

describe("the proof of a GitHub secret by a job's behaviour", () => {
  it("[X-06] dispatches once, waits for the run, and names the one whose job held the value", async () => {
    expect(await prove()).toMatchObject({ is: "unknown", trouble: UNPROVED });
    expect(await prove()).toMatchObject({
      is: "unknown",
      trouble: { message: expect.stringContaining("queued") },
    });
    await world.clock.advance(RUN_MS);
    const [run] = world.runs();
    expect(await prove()).toMatchObject({ is: "proved", says: expect.stringContaining(`run ${run?.id}`) });
    // A connection made anew remembers nothing, and finds the same run.
    store = world.connect({ proof: PROOF });
    expect((await prove()).is).toBe("proved");
    expect([dispatched(), world.runs().length]).toEqual([1, 1]);
    expect(run?.title).toMatch(/^lockstep proof [0-9a-f]{32}$/);
  });

  it("[X-06] asks anew for every write", async () => {
    await prove();
    await world.clock.advance(RUN_MS);
    receipt = await written(store);
    expect((await prove()).is).toBe("unknown");
    expect(new Set(world.runs().map(({ title }) => title)).size).toBe(2);
  });

  it("[X-06] refutes a job that holds another value, and suspects what shadows it", async () => {
    world.sandbox.github.repositories[0]?.workflows.forEach((one) => {
      if (one.proves) one.environment = "production";
    });
    world.put({ environment: "production" }, "of-somebody-else");
    await prove();
    await world.clock.advance(RUN_MS);
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: { ...UNPROVED, because: expect.stringContaining("another secret of that name") },
    });
  });

  it("[X-06] refutes a run that failed, and one whose jobs show nothing", async () => {
    await prove();
    const run = String(world.runs()[0]?.id);
    world.control.act({ act: "finish-run", repository: REPOSITORY, run, conclusion: "cancelled" });
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: { ...UNPROVED, message: expect.stringContaining(`/actions/runs/${run}`) },
    });
    expect(dispatched()).toBe(1);
    await world.clock.advance(RUN_MS);
    receipt = await written(store);
    await prove();
    await world.clock.advance(RUN_MS);
    const body = { total_count: 1, jobs: [{ name: "build" }] };
    world.control.addFault({ kind: "status", status: 200, headers: OWN, body, route: "*/jobs" });
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: { ...UNPROVED, because: expect.stringContaining("not the one that Lockstep ships") },
    });
  });

  it("[X-06] settles a lost reply by the run's title, and a lost request by asking again later", async () => {
    world.control.addFault({ kind: "lost-reply", method: "POST", route: DISPATCH });
    expect((await prove()).is).toBe("unknown");
    await world.clock.advance(RUN_MS);
    expect((await prove()).is).toBe("proved");
    expect(world.runs().length).toBe(1);
    receipt = await written(store);
    world.control.addFault({ kind: "lost-request", method: "POST", route: DISPATCH });
    await prove();
    // GitHub's list lags, so an absent run is no reason to ask twice at once.
    expect(await prove()).toMatchObject({ is: "unknown", trouble: { because: "its run is not shown yet" } });
    expect(world.runs().length).toBe(1);
    await world.clock.advance(60_000);
    await prove();
    await world.clock.advance(RUN_MS);
    expect((await prove()).is).toBe("proved");
    expect(world.runs().length).toBe(2);
  });

  it("[X-06] takes no run from before the write for its proof, whatever its title", async () => {
    await prove();
    await world.clock.advance(RUN_MS);
    expect((await prove()).is).toBe("proved");
    const [run] = world.sandbox.github.repositories[0]?.runs ?? [];
    if (!run) throw new Error("no run");
    run.createdAt -= 60_000;
    store = world.connect({ proof: PROOF });
    expect((await prove()).is).toBe("unknown");
    expect(world.runs().length).toBe(2);
  });

  it("[X-06] is refuted by a later write, though the job held the value", async () => {
    await prove();
    await world.clock.advance(RUN_MS);
    world.put({}, "of-somebody-else");
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: { message: expect.stringContaining("changed again after our write") },
    });
  });

  it("[X-06] is refuted where the token may not dispatch, or the workflow does not take it", async () => {
    store = world.connect({ proof: PROOF }, { token: "read-only" });
    expect(await prove()).toMatchObject({ is: "refuted", trouble: { code: "VENDOR_PERMISSION" } });
    store = world.connect({ proof: { ...PROOF, ref: "absent" } });
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: { code: "VENDOR_REFUSED", next: expect.stringContaining("absent must exist") },
    });
    world.control.addFault({ kind: "status", status: 429, method: "POST", route: DISPATCH });
    expect((await prove()).is).toBe("unknown");
  });

  it("[X-06] proves each field of a pair by a run of its own", async () => {
    const workflow = world.sandbox.github.repositories[0]?.workflows.find((one) => one.proves);
    if (!workflow) throw new Error("no proof workflow");
    workflow.proves = ["KEY_ID", "KEY_SECRET"];
    const declared = workflow.inputs["secret"];
    if (declared) declared.options = workflow.proves;
    store = world.connect({ proof: PROOF, fields: { id: "KEY_ID", secret: "KEY_SECRET" } });
    const pair = secretsOf({ id: "id-of-the-pair", secret: "secret-of-the-pair" });
    const outcome = await store.write(pair);
    if (outcome.is !== "done") throw new Error(outcome.trouble.message);
    expect((await store.prove(outcome.value, pair)).is).toBe("unknown");
    await world.clock.advance(RUN_MS);
    expect((await store.prove(outcome.value, pair)).is).toBe("proved");
    expect(world.runs().length).toBe(2);
    const swapped = secretsOf({ id: "id-of-the-pair", secret: "another-secret" });
    expect((await store.prove(outcome.value, swapped)).is).toBe("refuted");
  });

  it("[X-09] believes only GitHub's own word about runs and jobs", async () => {
    const garbled = async (route: string) => {
      world.control.addFault({ kind: "html", status: 200, route });
      expect((await prove()).is).toBe("unknown");
    };
    await garbled("*/runs");
    await garbled(DISPATCH);
    // What answered was not GitHub, so whether it was asked is not known until its list has had time to tell.
    await world.clock.advance(60_000);
    await prove();
    await world.clock.advance(RUN_MS);
    await garbled("*/runs");
    await garbled("*/jobs");
    expect((await prove()).is).toBe("proved");
    expect(world.runs().length).toBe(1);
  });

  it("[DR-05] proves a value that a person pasted by the same job", async () => {
    store = world.connect({ proof: PROOF, byHand: true });
    world.put({}, "a-mistyped-value");
    await prove();
    await world.clock.advance(RUN_MS);
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: { message: expect.stringContaining(`another value of ${NAME}`) },
    });
  });
});
