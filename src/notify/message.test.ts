import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { NoticeBody } from "../core/notice.ts";
import { Secret } from "../core/secret-value.ts";
import { alphanumeric } from "../sandbox/random.ts";
import { idOf, messageOf } from "./message.ts";

const BODY: NoticeBody = {
  kind: "held",
  secret: "heroku-api-key",
  environment: "production",
  run: "heroku-api-key.rotate.4",
  says: "heroku-api-key is held: the vault answered 503",
  state: "The old key a1b2 is in the vault; the new key may exist.",
  next: "lockstep resolve heroku-api-key.rotate.4    says what can be decided",
};

describe("a message", () => {
  it("[X-05] says what happened, what is safe, and the next step, in this order", () => {
    expect(messageOf({ body: BODY })).toEqual({
      subject: "[Lockstep] PRODUCTION heroku-api-key: held, a decision is needed",
      text: [
        BODY.says,
        "",
        `safe  ${BODY.state}`,
        `next  ${BODY.next}`,
        "run   heroku-api-key.rotate.4",
      ].join("\n"),
    });
  });

  it("begins with SEV-1 where it is one, and does without a run and an environment", () => {
    const { run: _run, environment: _environment, ...rest } = BODY;
    const { subject, text } = messageOf({ body: { ...rest, kind: "sev-1" } });
    expect(subject).toBe("[Lockstep] heroku-api-key: SEV-1");
    expect(text.split("\n")[0]).toBe(`SEV-1 ${BODY.says}`);
    expect(text).not.toContain("run ");
  });

  it("[X-05] holds no value, in whatever form it came in, and no line that was not meant", () => {
    const planted = alphanumeric(randomBytes, 30);
    const kept = Secret.of(planted);
    const forms = [planted, Buffer.from(planted).toString("base64"), Buffer.from(planted).toString("hex")];
    for (const form of forms) {
      const body = {
        ...BODY,
        says: `said ${form}`,
        state: `${form}\nnext  rm -rf`,
        next: form,
        secret: form,
      };
      const { subject, text } = messageOf({ body });
      expect(`${subject}${text}`).not.toContain(form);
      expect(text.split("\n")).toHaveLength(5);
    }
    expect(kept.equals(Secret.of(planted))).toBe(true);
  });

  it("names the environment, also where a variable of a vendor holds the same word", () => {
    const word = Secret.of("PRODUCTION");
    expect(messageOf({ body: BODY }).subject).toContain("PRODUCTION heroku-api-key");
    expect(word.equals(Secret.of("PRODUCTION"))).toBe(true);
  });

  it("has one id for each event, address and installation", () => {
    const one = { event: "e", channel: "email", address: "a@example.com", body: BODY } as const;
    expect(idOf(one, "i")).toBe(idOf({ ...one }, "i"));
    const others = [
      idOf({ ...one, event: "f" }, "i"),
      idOf({ ...one, address: "b@example.com" }, "i"),
      idOf({ ...one, channel: "slack" }, "i"),
      idOf(one, "j"),
    ];
    expect(new Set([idOf(one, "i"), ...others]).size).toBe(5);
  });
});
