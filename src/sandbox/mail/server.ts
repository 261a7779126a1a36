import type { Socket } from "node:net";
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import type { MailDoor, MailVerdict } from "./door.ts";

const MAX_BYTES = 5 * 1024 * 1024;

/** Serves the mail server in plain SMTP on a port of 127.0.0.1, 0 for any free one; who comes before there is a door waits. */
export async function serveMail(
  door: () => Promise<MailDoor>,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Map<number, Socket>();
  const server = smtpServer(door, (session) => sockets.get(session.remotePort)?.destroy());
  server.server.on("connection", (socket: Socket) => {
    const { remotePort = 0 } = socket;
    sockets.set(remotePort, socket);
    socket.once("close", () => sockets.delete(remotePort));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  // A client that breaks off is no mistake of the server.
  server.on("error", () => {});
  const address = server.server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `smtp://127.0.0.1:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets.values()) socket.destroy();
      }),
  };
}

function smtpServer(
  door: () => Promise<MailDoor>,
  breakOff: (session: SMTPServerSession) => void,
): SMTPServer {
  // The name of whoever signed in, or null.
  const userOf = (session: SMTPServerSession) => session.user ?? null;
  return new SMTPServer({
    name: "mail.sandbox",
    banner: "Lockstep sandbox",
    size: MAX_BYTES,
    authOptional: true,
    allowInsecureAuth: true,
    authMethods: ["PLAIN", "LOGIN"],
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    onConnect: (session, callback) =>
      carry(
        door().then((one) => one.connect()),
        callback,
        () => breakOff(session),
      ),
    onAuth(auth, session, callback) {
      const user = auth.username ?? "";
      const done = (error?: Error | null) => callback(error, error ? undefined : { user });
      carry(
        door().then((one) => one.authenticate(user, auth.password ?? "")),
        done,
        () => breakOff(session),
      );
    },
    onRcptTo: (address, session, callback) =>
      carry(
        door().then((one) => one.recipient(address.address, userOf(session))),
        callback,
        () => breakOff(session),
      ),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const envelope = {
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map((one) => one.address),
        };
        if (stream.sizeExceeded)
          return callback(smtpError(552, "Message size exceeds fixed maximum message size"));
        const taken = door().then((one) => one.deliver(envelope, Buffer.concat(chunks), userOf(session)));
        carry(taken, callback, () => breakOff(session));
      });
    },
  });
}

function carry(
  verdict: Promise<MailVerdict>,
  answer: (error?: Error | null, text?: string) => void,
  breakOff: () => void,
): void {
  verdict.then(
    (one) => {
      if (one.is === "broken") breakOff();
      else if (one.is === "refused") answer(smtpError(one.code, one.text));
      else answer(null, one.text);
    },
    (error: unknown) => {
      console.error(error);
      answer(smtpError(554, "The sandbox made a mistake; see its standard error."));
    },
  );
}

function smtpError(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}
