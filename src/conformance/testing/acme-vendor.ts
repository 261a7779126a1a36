import type { Clock } from "../../core/time.ts";
import { alphanumeric, uuid } from "../../sandbox/random.ts";
import { seededRandom } from "../../sandbox/testing.ts";

interface Key {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly created: string;
}

/** What passes through a gate while the switch is open; a gate looks at the switch every so often. */
interface Switch {
  id: string;
  stands: string;
  stood: string;
  turnedAt: number;
}

/** How long it takes until a gate has seen the switch. */
const GATE_MS = 10_000;

/** The account of every key. */
export const ACCOUNT = "ops@acme.example";

/** A vendor in memory: keys, and one slot with two fields that holds whatever is put there. */
export function acmeVendor() {
  const random = seededRandom("acme");
  let time = Date.UTC(2026, 10, 1, 8);
  const keys: Key[] = [];
  const mint = (name: string): Key => {
    const created = new Date(time).toISOString();
    const key = { id: uuid(random), name, token: `acme_${alphanumeric(random, 40)}`, created };
    keys.push(key);
    return key;
  };
  const lever: Switch = { id: "switch-3", stands: "open", stood: "open", turnedAt: 0 };
  const state = { slot: fieldsOf("first"), version: 1, lever, note: alphanumeric(random, 32) };
  const turn = (stands: string) => {
    Object.assign(state.lever, { stands, stood: gate(), turnedAt: time });
  };
  const gate = () => (time - lever.turnedAt >= GATE_MS ? lever.stands : lever.stood);
  const clock: Clock = { now: () => new Date(time).toISOString() };
  const world = { keys, mint, state, turn, gate };
  return {
    ...world,
    clock,
    pass: async (ms: number) => {
      time += ms;
    },
    refusal,
    async send(request: Request): Promise<Response> {
      const token = request.headers.get("authorization")?.replace("Bearer ", "");
      const [, first = "", second = ""] = new URL(request.url).pathname.split("/");
      const asker = keys.find((one) => one.token === token);
      if (asker === undefined) return refusal(401, "no such key");
      const body: unknown = request.method === "GET" ? {} : JSON.parse((await request.text()) || "{}");
      if (first === "me") return own(200, { key: shown(asker) });
      return answer(world, `${request.method} /${first}`, second, body);
    },
  };
}

type World = Pick<ReturnType<typeof acmeVendor>, "keys" | "mint" | "state" | "turn" | "gate">;

function answer(
  { keys, mint, state, turn, gate }: World,
  route: string,
  name: string,
  body: unknown,
): Response {
  const field = (of: string): unknown => Reflect.get(body as object, of);
  switch (route) {
    case "GET /keys":
      return own(200, { keys: keys.map(shown) });
    case "POST /keys": {
      const key = mint(String(field("name")));
      return own(201, { key: { ...shown(key), token: key.token } });
    }
    case "DELETE /keys": {
      const index = keys.findIndex(({ id }) => id === name);
      if (index === -1) return refusal(404, "no such key");
      keys.splice(index, 1);
      return own(200, { ended: name });
    }
    case "GET /switch":
      return own(200, { id: state.lever.id, stands: state.lever.stands, note: state.note });
    case "PUT /switch":
      turn(String(field("stands")));
      return own(200, { id: state.lever.id, stands: state.lever.stands, note: state.note });
    case "GET /gate":
      return own(200, { seen: gate(), note: state.note });
    case "GET /slot":
      return own(200, { id: "slot-7", version: state.version, fields: state.slot });
    case "PUT /slot": {
      const values = field("fields") as Record<string, string>;
      state.slot = name === "" ? values : { ...state.slot, ...values };
      state.version += 1;
      return own(200, { id: "slot-7", version: state.version, fields: state.slot });
    }
    default:
      return refusal(404, "no such route");
  }
}

function shown({ id, name, created }: Key) {
  return { id, name, account: ACCOUNT, created };
}

function own(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "acme-request": "r-1" } });
}

/** How Acme itself refuses. */
function refusal(status: number, text: string): Response {
  return own(status, { acme: status === 401 ? "bad-key" : "no", says: text });
}

/** Both fields of the slot, which the seed alone decides. */
export function fieldsOf(seed: string): Record<string, string> {
  const random = seededRandom(seed);
  return { key: alphanumeric(random, 24), secret: alphanumeric(random, 40) };
}
