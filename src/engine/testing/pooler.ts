import { connect, createServer, type Socket } from "node:net";

/** A transaction pooler, as small as one can be: clients share server connections between their transactions. */
export interface Pooler {
  readonly port: number;
  close(): void;
}

interface Backend {
  readonly socket: Socket;
  user: Socket | undefined;
}

const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** Stands in front of the server at this socket; `next` picks one of the idle server connections. */
export async function openPooler(
  socketPath: string,
  role: string,
  backends: number,
  next: (idle: number) => number,
): Promise<Pooler> {
  const idle: Backend[] = [];
  const waiting: { client: Socket; bytes: Buffer }[] = [];
  const all: Backend[] = [];

  const give = (client: Socket, bytes: Buffer): void => {
    const held = all.find((backend) => backend.user === client);
    const backend = held ?? idle.splice(next(idle.length), 1)[0];
    if (backend === undefined) return void waiting.push({ client, bytes });
    backend.user = client;
    backend.socket.write(bytes);
  };
  for (let n = 0; n < backends; n++) {
    const backend: Backend = { socket: connect(socketPath), user: undefined };
    all.push(backend);
    await new Promise<void>((ready) => {
      backend.socket.once("connect", () => backend.socket.write(startup(role)));
      backend.socket.on("error", () => {});
      backend.socket.on("data", (data) => {
        const begun = backend.user;
        if (begun === undefined) {
          if (data.subarray(-6).equals(READY)) {
            idle.push(backend);
            ready();
          }
          return;
        }
        begun.write(data);
        // The transaction is over: the connection is anybody's.
        if (data.subarray(-6).equals(READY)) {
          backend.user = undefined;
          idle.push(backend);
          const first = waiting.shift();
          if (first !== undefined) give(first.client, first.bytes);
        }
      });
    });
  }
  const server = createServer((client) => {
    let greeted = false;
    client.on("error", () => {});
    client.on("data", (data) => {
      if (greeted) {
        if (data[0] !== 0x58) give(client, data);
        return;
      }
      greeted = true;
      const key = Buffer.from([0x4b, 0, 0, 0, 12, 0x7f, 0, 0, 1, 1, 2, 3, 4]);
      client.write(Buffer.concat([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), key, READY]));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () => {
      server.close();
      for (const { socket } of all) socket.destroy();
    },
  };
}

function startup(role: string): Buffer {
  const words = Buffer.from(`user\0${role}\0database\0${role}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(words.length + 8, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, words]);
}
