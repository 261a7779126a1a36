import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/app/config.ts";
import { raxxEstate } from "../../src/sandbox/estate.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { isAlive, OLD } from "./expectations.ts";
import { raxx } from "./raxx-config.ts";
import { SECRET, type World, world } from "./world.ts";

const PROJECT = "5b7f0a3e-12c4-4d8e-9a61-c0de5eed0b17";
const KEY = "HEROKU_API_KEY";
const VAULT = "/MooseQuest/heroku";
const AT = { project: PROJECT, environment: "prod", path: "/apps" };

/** The example, with a copy in another project of the vault. */
function withCopyAt(path: string, config = raxx()) {
  const place = { ...AT, path, fields: { token: KEY } };
  config.secrets[SECRET]?.destinations?.unshift([{ kind: "infisical", connection: "infisical", ...place }]);
  return config;
}

async function twoProjects(): Promise<World> {
  const estate = raxxEstate({});
  const value = { authorization: RAXX.currentAuthorization };
  const { environment, path } = AT;
  const secrets = [{ environment, path, key: KEY, value }];
  estate.infisical.projects.push({ id: PROJECT, slug: "apps-x1", name: "Apps", secrets });
  for (const one of estate.infisical.identities) if (one.name === "lockstep") one.roles[PROJECT] = "member";
  // Copies that nobody declared go on holding the old key here, which is what a run is to stop at.
  return world({ estate, unguarded: true, change: (config) => withCopyAt(AT.path, config) });
}

describe("a vault with several projects", () => {
  it("[DR-15] ends no key that lies undeclared in any project of the plan, also in the words of another place", async () => {
    for (const path of ["/elsewhere", VAULT]) {
      const w = await twoProjects();
      const value = { authorization: OLD };
      w.sandbox.control.act({ act: "set-vault-secret", ...AT, path, key: KEY, value });
      expect(await w.run().go()).toMatchObject({
        status: "held",
        trouble: {
          code: "COPY_UNDECLARED",
          message: expect.stringContaining(`infisical prod ${path} ${KEY}`),
        },
      });
      expect(isAlive(w, OLD)).toBe(true);
    }
  });

  it("takes a declared place of another project for declared", async () => {
    const w = await twoProjects();
    expect(await w.run().go()).toMatchObject({ status: "completed" });
    expect(isAlive(w, OLD)).toBe(false);
  });

  it("[P2] refuses two copies that are called by the same words", () => {
    expect(() => checkConfig(withCopyAt(AT.path))).not.toThrow();
    expect(() => checkConfig(withCopyAt(VAULT))).toThrow(
      `secrets.${SECRET}.destinations[0][0]: found infisical prod ${VAULT} ${KEY}`,
    );
  });
});
