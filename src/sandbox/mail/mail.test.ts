import { createTransport } from "nodemailer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../faults.ts";
import { testSandbox } from "../testing.ts";
import { serveMail } from "./server.ts";

const USER = "lockstep@moosequest.net";
const TO = "kris@moosequest.net";
const MESSAGE = { from: `Lockstep <${USER}>`, to: TO, subject: "A run is held", text: "Both keys live.\n" };
let world: Awaited<ReturnType<typeof testSandbox>>;
let served: Awaited<ReturnType<typeof serveMail>>;

beforeEach(async () => {
  world = await testSandbox();
  served = await serveMail(async () => world.sandbox.smtp, 0);
});

afterEach(() => served.close());

const messages = () => world.sandbox.control.truth().mail.messages;
const journal = () =>
  world.sandbox.control.journal
    .list({ vendor: "mail" })
    .map(({ method, path, status, effect, fault }) => ({ method, path, status, effect, fault }));

async function send(
  fields: Record<string, unknown> = {},
  auth: { user: string; pass: string } | null = account(),
) {
  const { hostname, port } = new URL(served.url);
  const transport = createTransport({
    host: hostname,
    port: Number(port),
    ignoreTLS: true,
    ...(auth && { auth }),
  });
  const outcome = await transport.sendMail({ ...MESSAGE, ...fields }).then(
    (info) => ({ sent: true as const, id: info.messageId, response: info.response }),
    (error: { code?: string; responseCode?: number }) => ({
      sent: false as const,
      code: error.code,
      responseCode: error.responseCode,
    }),
  );
  transport.close();
  return outcome;
}

function account() {
  return { user: USER, pass: world.sandbox.control.estate().mail.accounts[USER] ?? "" };
}

function fault(one: Fault) {
  world.sandbox.control.addFault({ ...one, vendor: "mail" });
}

describe("[X-05] mail", () => {
  it("[X-05] is kept with sender, recipient, subject, text and Message-ID", async () => {
    const sent = await send({ messageId: "<run-1.step-4@lockstep>", headers: { "X-Lockstep-Run": "run-1" } });
    expect(sent).toMatchObject({ sent: true, id: "<run-1.step-4@lockstep>" });
    expect(messages()).toMatchObject([
      {
        user: USER,
        envelope: { from: USER, to: [TO] },
        from: `Lockstep <${USER}>`,
        to: TO,
        subject: "A run is held",
        messageId: "<run-1.step-4@lockstep>",
        text: "Both keys live.",
        html: null,
        at: world.clock.now(),
      },
    ]);
    expect(world.sandbox.mail.messages[0]?.headers["x-lockstep-run"]).toBe("run-1");
    expect(journal()).toEqual([
      { method: "DATA", path: `/${TO}`, status: 250, effect: "write", fault: null },
    ]);
  });

  it("[X-05] is read whatever it is written in", async () => {
    const text = `Grüße — ${"a long line ".repeat(20)}\n.a line that starts with a dot\n`;
    const subject = `Zürich: ${"наблюдение ".repeat(6)}!`;
    await send({ subject, text, html: "<p>Grüße</p>" });
    await send({ text: "ä", encoding: "base64", textEncoding: "base64" });
    const [first, second] = messages();
    expect(first).toMatchObject({ subject, text: text.trimEnd(), html: "<p>Grüße</p>" });
    expect(second?.text).toBe("ä");
  });

  it("[X-05] is taken only from who signs in, with the present password", async () => {
    expect(await send({}, null)).toMatchObject({ sent: false, responseCode: 530 });
    expect(await send({}, { user: USER, pass: "wrong" })).toMatchObject({ code: "EAUTH", responseCode: 535 });
    const old = account();
    world.sandbox.control.act({ act: "mail.reset-password", user: USER });
    expect(await send({}, old)).toMatchObject({ responseCode: 535 });
    expect(await send()).toMatchObject({ sent: true });
    world.sandbox.control.set({ mail: { authRequired: false } });
    expect(await send({}, null)).toMatchObject({ sent: true });
    expect(messages().map((one) => one.user)).toEqual([USER, null]);
  });

  it("[X-05] is refused for a recipient that is not there", async () => {
    world.sandbox.control.set({ mail: { unknownRecipients: ["Left@moosequest.net"] } });
    expect(await send({ to: "left@moosequest.net" })).toMatchObject({ sent: false, responseCode: 550 });
    expect(await send({ to: ["left@moosequest.net", TO] })).toMatchObject({ sent: true });
    expect(messages().map((one) => one.envelope.to)).toEqual([[TO]]);
  });
});

describe("faults of the mail server", () => {
  it.each<[string, Fault, object, number]>([
    ["refuses the connection", { kind: "lost-request", method: "CONNECT" }, { sent: false }, 0],
    ["says 421 at once", { kind: "status", status: 421, method: "CONNECT" }, { responseCode: 421 }, 0],
    ["says 454 to who signs in", { kind: "status", status: 454, method: "AUTH" }, { responseCode: 454 }, 0],
    ["says 451 to the recipient", { kind: "status", status: 451, method: "RCPT" }, { responseCode: 451 }, 0],
    ["says 550 to the message", { kind: "status", status: 550, message: "no" }, { responseCode: 550 }, 0],
    ["is limited", { kind: "status", status: 429 }, { responseCode: 451 }, 0],
    ["takes it and says 451", { kind: "error-after" }, { responseCode: 451 }, 1],
    ["takes it and says nothing", { kind: "lost-reply" }, { sent: false, responseCode: undefined }, 1],
    ["breaks off before it", { kind: "lost-request" }, { sent: false, responseCode: undefined }, 0],
    ["says that it took it", { kind: "no-effect" }, { sent: true }, 0],
  ])("%s", async (_name, one, outcome, kept) => {
    fault(one);
    expect(await send()).toMatchObject(outcome);
    expect(messages()).toHaveLength(kept);
    expect(journal().at(-1)).toMatchObject({ effect: kept > 0 ? "write" : "none", fault: one.kind });
    expect(await send()).toMatchObject({ sent: true });
  });

  it("meets one recipient only, as often as asked", async () => {
    fault({ kind: "status", status: 550, method: "RCPT", route: "/other@*", count: 2 });
    expect(await send()).toMatchObject({ sent: true });
    for (const sent of [false, false, true])
      expect(await send({ to: "other@moosequest.net" })).toMatchObject({ sent });
  });

  it("takes it late, after the connection broke", async () => {
    fault({ kind: "late", ms: 5000 });
    expect(await send()).toMatchObject({ sent: false });
    await world.clock.advance(4999);
    expect(messages()).toHaveLength(0);
    await world.clock.advance(1);
    await world.sandbox.control.idle();
    expect(messages()).toHaveLength(1);
  });

  it("keeps a client waiting, or never answers it", async () => {
    world.sandbox.control.set({ latencyMs: { mail: 30_000 } });
    const envelope = { from: USER, to: [TO] };
    const deliver = () => world.sandbox.smtp.deliver(envelope, Buffer.from("Subject: slow\r\n\r\nx"), USER);
    const slow = deliver();
    await world.clock.advance(29_999);
    expect(messages()).toHaveLength(0);
    await world.clock.advance(1);
    expect(await slow).toMatchObject({ is: "accepted" });
    world.sandbox.control.set({ latencyMs: 0 });
    fault({ kind: "timeout", ms: 60_000 });
    const hung = deliver();
    await world.clock.advance(60_000);
    expect(await hung).toEqual({ is: "broken" });
    expect(messages().map((one) => one.subject)).toEqual(["slow"]);
    world.sandbox.control.act({ act: "mail.clear" });
    expect(messages()).toEqual([]);
  });
});
