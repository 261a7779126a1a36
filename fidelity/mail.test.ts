import { createTransport, type SentMessageInfo } from "nodemailer";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Served, serve } from "./clients.ts";

let served: Served;
const USER = "lockstep@moosequest.net";
const OPERATOR = "kris@moosequest.net";

beforeAll(async () => {
  served = await serve();
});

afterAll(() => served.close());

beforeEach(() => {
  served.sandbox.control.clearFaults();
  served.sandbox.control.act({ act: "mail.clear" });
});

const messages = () => served.sandbox.control.truth().mail.messages;

/** A transport made from the URL that the sandbox prints, as a configuration would hold it. */
function transport(options: { pool?: true } = {}) {
  const url = new URL(served.urls.mail);
  url.username = encodeURIComponent(USER);
  url.password = served.sandbox.control.estate().mail.accounts[USER] ?? "";
  return createTransport({ ...options, url: url.href });
}

function send(fields: object): Promise<SentMessageInfo> {
  return transport().sendMail({ from: USER, to: OPERATOR, subject: "s", text: "t", ...fields });
}

describe("nodemailer", () => {
  it("signs in, and is told that it may send", async () => {
    expect(await transport().verify()).toBe(true);
    const url = served.urls.mail.replace("smtp://", `smtp://${encodeURIComponent(USER)}:wrong@`);
    await expect(createTransport(url).verify()).rejects.toMatchObject({ code: "EAUTH", responseCode: 535 });
  });

  it("sends what comes out as it went in", async () => {
    const text = `Grüße,\n\n${"Both keys are alive. ".repeat(12)}\n.\nlockstep show heroku-api-key.rotate.1`;
    const info = await send({
      from: { name: "Lockstep — Raxx", address: USER },
      to: [OPERATOR, "ops@moosequest.net"],
      subject: "Held: Schlüssel «heroku-api-key» — a decision is needed within the next four hours",
      text,
      html: "<p>Grüße</p>",
      attachments: [{ filename: "run.json", content: "{}" }],
      messageId: "<heroku-api-key.rotate.1.hold@lockstep.invalid>",
    });
    expect(info.accepted).toEqual([OPERATOR, "ops@moosequest.net"]);
    expect(messages()).toMatchObject([
      {
        envelope: { from: USER, to: [OPERATOR, "ops@moosequest.net"] },
        from: `Lockstep — Raxx <${USER}>`,
        subject: "Held: Schlüssel «heroku-api-key» — a decision is needed within the next four hours",
        text,
        html: "<p>Grüße</p>",
        messageId: info.messageId,
      },
    ]);
  });

  it("sends several by one connection", async () => {
    const pool = transport({ pool: true });
    for (const subject of ["one", "two"])
      await pool.sendMail({ from: USER, to: OPERATOR, subject, text: "t" });
    pool.close();
    expect(messages().map((one) => one.subject)).toEqual(["one", "two"]);
  });

  it("is told which recipient is not there", async () => {
    served.sandbox.control.set({ mail: { unknownRecipients: ["gone@moosequest.net"] } });
    const info = await send({ to: [OPERATOR, "gone@moosequest.net"] });
    expect([info.accepted, info.rejected]).toEqual([[OPERATOR], ["gone@moosequest.net"]]);
    await expect(send({ to: "gone@moosequest.net" })).rejects.toMatchObject({ responseCode: 550 });
  });

  it("tells a refusal from a lost reply", async () => {
    const { control } = served.sandbox;
    control.addFault({ kind: "status", vendor: "mail", status: 451 });
    await expect(send({})).rejects.toMatchObject({ code: "EMESSAGE", responseCode: 451 });
    expect(messages()).toHaveLength(0);
    control.addFault({ kind: "lost-reply", vendor: "mail" });
    await expect(send({ subject: "lost" })).rejects.toMatchObject({
      code: "ECONNECTION",
      message: "Connection closed unexpectedly",
    });
    expect(messages().map((one) => one.subject)).toEqual(["lost"]);
  });
});
