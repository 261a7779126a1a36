import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serveMail } from "../../sandbox/mail/server.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { secretsOf, watched } from "../testing.ts";
import { smtpClient } from "./client.ts";

const USER = "lockstep@moosequest.net";
const MAIL = {
  from: "lockstep@raxx.app",
  to: "ops@raxx.app",
  subject: "held, é",
  text: "one\ntwo\n",
  messageId: "abc.lockstep@raxx.app",
};
let world: Awaited<ReturnType<typeof testSandbox>>;
let served: Awaited<ReturnType<typeof serveMail>>;
let password: string;

beforeEach(async () => {
  world = await testSandbox();
  served = await serveMail(async () => world.sandbox.smtp, 0);
  password = world.sandbox.control.estate().mail.accounts[USER] ?? "";
});
afterEach(() => served.close());

function client(more: { url?: string; password?: string | undefined; signal?: AbortSignal } = {}) {
  const { url = served.url, signal } = more;
  const given = "password" in more ? more.password : password;
  const credential = async () =>
    given === undefined ? undefined : secretsOf({ user: USER, password: given });
  return watched(smtpClient({ url, credential, ...(signal && { signal }) }), [password]);
}

const taken = () => world.sandbox.control.truth().mail.messages;
const faults = () => world.sandbox.control;

describe("the mail client", () => {
  it("hands a message over, with the id that it was given", async () => {
    expect(await client().send(MAIL)).toEqual({ is: "done", value: undefined });
    expect(taken()).toMatchObject([
      {
        envelope: { from: MAIL.from, to: [MAIL.to] },
        user: USER,
        subject: MAIL.subject,
        messageId: "<abc.lockstep@raxx.app>",
        text: "one\ntwo",
      },
    ]);
    expect(world.sandbox.mail.messages[0]?.headers["auto-submitted"]).toBe("auto-generated");
  });

  it("greets, and tells whether the credential is taken", async () => {
    expect((await client().greet()).is).toBe("done");
    const refused = await client({ password: "wrong" }).greet();
    expect(refused).toMatchObject({ is: "refused", trouble: { code: "VENDOR_REFUSED_CREDENTIAL" } });
    expect(taken()).toEqual([]);
  });

  it("tells a no for now from a no, and from a server that is not there", async () => {
    faults().addFault({ kind: "status", status: 451, vendor: "mail" });
    expect(await client().send(MAIL)).toMatchObject({ is: "retryable", trouble: { code: "VENDOR_ERROR" } });
    faults().addFault({ kind: "status", status: 450, vendor: "mail", method: "RCPT" });
    expect((await client().send(MAIL)).is).toBe("retryable");
    faults().addFault({ kind: "status", status: 454, vendor: "mail", method: "AUTH" });
    expect(await client().send(MAIL)).toMatchObject({ is: "retryable", trouble: { code: "VENDOR_ERROR" } });
    faults().set({ mail: { unknownRecipients: [MAIL.to] } });
    expect(await client().send(MAIL)).toMatchObject({ is: "refused", trouble: { code: "VENDOR_REFUSED" } });
    expect((await client({ password: undefined }).send(MAIL)).is).toBe("refused");
    await served.close();
    expect(await client().send(MAIL)).toMatchObject({
      is: "retryable",
      trouble: { code: "VENDOR_UNREACHABLE" },
    });
    expect(taken()).toEqual([]);
  });

  it("does not know what became of a message whose reply is lost, and knows it of one that never left", async () => {
    faults().addFault({ kind: "lost-reply", vendor: "mail" });
    expect((await client().send(MAIL)).is).toBe("unknown");
    expect(taken()).toHaveLength(1);
    faults().addFault({ kind: "lost-request", vendor: "mail" });
    expect((await client().send(MAIL)).is).toBe("unknown");
    for (const method of ["CONNECT", "AUTH", "RCPT"]) {
      faults().addFault({ kind: "lost-request", vendor: "mail", method });
      expect([method, (await client().send(MAIL)).is]).toEqual([method, "retryable"]);
    }
    expect(taken()).toHaveLength(1);
  });

  it("sends a password to another machine only inside TLS", async () => {
    // This machine under an address that does not look like it; its server offers no TLS.
    const url = served.url.replace("127.0.0.1", "[::ffff:127.0.0.1]");
    expect(await client({ url }).send(MAIL)).toMatchObject({
      is: "refused",
      trouble: { because: "a password is sent to another machine only inside TLS" },
    });
    expect(
      world.sandbox.control.journal.list({ vendor: "mail" }).filter((one) => one.credential !== null),
    ).toEqual([]);
    faults().set({ mail: { authRequired: false } });
    expect((await client({ url, password: undefined }).send(MAIL)).is).toBe("done");
  });

  it("breaks off when nobody waits any more", async () => {
    const leave = new AbortController();
    faults().set({ latencyMs: 60_000 });
    const sending = client({ signal: leave.signal }).send(MAIL);
    leave.abort();
    expect((await sending).is).toBe("retryable");
  });
});
