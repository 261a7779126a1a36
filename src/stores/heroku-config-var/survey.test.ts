import { beforeEach, describe, expect, it } from "vitest";
import { withoutValues } from "../../core/secret-value.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { secretsOf, testFingerprint } from "../../vendors/testing.ts";
import { APP, type AppWorld, appWorld } from "./testing.ts";

let world: AppWorld;

beforeEach(async () => {
  world = await appWorld();
});

async function holdings() {
  const found = await world.connect().survey();
  if (found.is !== "done") throw new Error(found.trouble.message);
  return found.value;
}

const NAMES = Object.keys(RAXX.apps);
const CONFIG_VARS = "/apps/:app/config-vars";

describe("survey", () => {
  it("[DR-15] finds a value under any name in any app", async () => {
    const key = { authorization: RAXX.currentAuthorization };
    world.act({ act: "heroku.create-app", name: "forgotten", config: { DEPLOY_TOKEN: key } });
    const token = world.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
    const { token: print } = testFingerprint(secretsOf({ token }));
    const same = (await holdings()).filter(({ fingerprint }) => fingerprint === print);
    const declared = NAMES.map((name) => `heroku ${name} HEROKU_API_KEY`);
    expect(same.map(({ place }) => place).sort()).toEqual(
      [...declared, "heroku forgotten DEPLOY_TOKEN"].sort(),
    );
  });

  it("[DR-15] finds what a pending release brings to any app, besides what is in force", async () => {
    const key = { authorization: RAXX.currentAuthorization };
    const [app, name] = ["forgotten", "DEPLOY_TOKEN"];
    world.act({ act: "heroku.create-app", name: app, config: { [name]: { text: "x" }, B: { text: "y" } } });
    const here = async () =>
      (await holdings())
        .filter(({ place }) => place.startsWith(`heroku ${app} `))
        .map(({ place, underWay }) => [place, underWay]);
    const before = await here();
    expect(before).toEqual([
      [`heroku ${app} ${name}`, undefined],
      [`heroku ${app} B`, undefined],
    ]);
    world.act({ act: "heroku.release", app, pendingSeconds: 600 });
    expect(await here()).toEqual(before);
    world.act({ act: "set-config-var", app, name, value: key });
    expect(await here()).toContainEqual([
      `heroku ${app} ${name}`,
      expect.stringMatching(/^release v\d+ is pending$/),
    ]);
  });

  it("[DR-15] keeps none of the ordinary words that any look reads, which texts would lose from then on", async () => {
    const word = "an-ordinary-word-of-an-app";
    world.act({ act: "set-config-var", app: APP, name: "WORD", value: { text: word } });
    const names = (await holdings()).map(({ place }) => place);
    expect(names).toContain(`heroku ${APP} WORD`);
    const store = world.connect();
    expect([(await store.ready()).is, (await store.observe()).is]).toEqual(["done", "done"]);
    const values = secretsOf({ token: "the-next-value-of-the-test" });
    const receipt = await store.write(values);
    if (receipt.is !== "done") throw new Error(receipt.trouble.message);
    await store.prove(receipt.value, values);
    expect(withoutValues(`${word} stays`)).toBe(`${word} stays`);
  });

  it("[DR-15] reads every variable of every app, more than fit a page at once", async () => {
    for (let n = 0; n < 30; n += 1)
      world.act({ act: "heroku.create-app", name: `app-${n}`, config: { A: { text: String(n) } } });
    const places = (await holdings()).map(({ place }) => place);
    const all = world.sandbox.heroku.apps.flatMap(({ name, releases }) =>
      Object.keys(releases.at(-1)?.config ?? {}).map((variable) => `heroku ${name} ${variable}`),
    );
    expect(places.toSorted()).toEqual(all.toSorted());
  });

  it("[DR-15] leaves out an app that it may not read", async () => {
    const shut = NAMES.find((name) => name !== APP) ?? "";
    world.act({ act: "heroku.access", app: shut, role: "member", team: "raxx", permissions: ["view"] });
    const places = (await holdings()).map(({ place }) => place);
    expect(places.some((place) => place.includes(` ${APP} `))).toBe(true);
    expect(places.some((place) => place.includes(` ${shut} `))).toBe(false);
  });

  it("[DR-15] fails where anything else goes wrong, and where the declared app cannot be read", async () => {
    const faults = [
      { kind: "html", status: 403, skip: 2 },
      { kind: "lost-reply", skip: 1 },
      { kind: "status", status: 404, headers: { "request-id": "x" } },
    ] as const;
    for (const fault of faults) {
      world.control.addFault({ ...fault, route: CONFIG_VARS });
      expect((await world.connect().survey()).is).not.toBe("done");
      world.control.clearFaults();
    }
    world.control.addFault({ kind: "html", status: 200, route: "/apps" });
    expect((await world.connect().survey()).is).toBe("unknown");
    world.act({ act: "heroku.access", app: APP, role: "member", team: "raxx", permissions: ["view"] });
    expect(await world.connect().survey()).toMatchObject({ trouble: { code: "VENDOR_PERMISSION" } });
    world.act({ act: "heroku.access", app: APP, role: "none" });
    expect(await world.connect().survey()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING", message: expect.stringContaining(APP) },
    });
  });
});
