import { done, refused } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";

/**
 * No change request that this run made is left open at the vault: merged after the end of a key it would put a dead one
 * there. Vaults show requests to people only, so where one was made a person confirms.
 */
export const closed = step({
  id: "requests",
  takes: ["pending"],
  gives: "closed",
  by: "api",
  effect: "none",
  says: () => "No change request of this run waits for an approval at the vault",
  conditional: ["where a write became a request: a person confirms that it is merged or closed"],
  target: (s) => s.vault.target,
  asks: (s, _facts, { history }) =>
    history.requests.length === 0
      ? undefined
      : {
          kind: "checklist",
          title: `See that no change request of this run is open at ${s.vault.target}`,
          lines: ["merged later, it would put another value over the one that works"],
          items: history.requests.map((request) => `merged or closed: ${request}`),
        },
  does: async (c, _facts, answer) =>
    answer?.is === "declined"
      ? refused({
          code: "OPERATOR_DECLINED",
          message: "A change request of this run is still open",
          because: "no key is ended while a request could put it back",
          next: `lockstep resolve ${c.run} --retry    once it is merged or closed`,
        })
      : done({ at: c.now(), says: answer ? `confirmed by ${answer.by.name}` : "none was made" }),
  undoes: "nothing",
});
