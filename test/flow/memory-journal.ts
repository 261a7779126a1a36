import { AsyncLocalStorage } from "node:async_hooks";
import { LockstepError, type Trouble, troubleOf } from "../../src/core/errors.ts";
import type { Journal, Key } from "../../src/core/journal.ts";
import type { Instant } from "../../src/core/time.ts";
import type { FlowClock, Life } from "./life.ts";
import { nowText } from "./life.ts";

/** One recorded entry; its answer as text, because only plain data survives a restart. */
interface Slot {
  readonly key: Key;
  readonly text: string;
}

/** What survives a process: the entries by position, and messages that nobody has read. */
export interface Kept {
  readonly slots: Map<number, Slot>;
  readonly messages: Map<Key, unknown[]>;
  /** Whose run it is: nobody else records anything. Anybody's where absent. */
  owner?: Life;
}

export function emptyRecord(): Kept {
  return { slots: new Map(), messages: new Map() };
}

/** What a test may do at an entry; a process that dies in there never goes on. */
export interface JournalHooks {
  /** The body has run, and nothing is recorded yet. */
  ran?(key: Key, n: number): void;
  /** The n-th entry of this process, from 1, is recorded. */
  recorded?(key: Key, n: number): void;
}

/** The run waits for a person, and nobody has said anything: the process may as well stop here. */
export class Waits extends Error {
  readonly key: Key;
  constructor(key: Key) {
    super(`the run waits for ${key}`);
    this.key = key;
  }
}

type Answer =
  | { readonly is: "value"; readonly value?: unknown }
  | { readonly is: "trouble"; readonly trouble: Trouble };

/**
 * The journal of one process over a record that outlives it. On replay position and key must be those of the record, as on
 * the durable engine: a procedure that decides by anything but its record fails here.
 */
export function memoryJournal(
  kept: Kept,
  clock: Pick<FlowClock, "passUntil">,
  life: Life,
  hooks: JournalHooks = {},
  hears: (key: Key, until: Instant) => Promise<void> = async (key) => {
    throw new Waits(key);
  },
): Journal {
  const inside = new AsyncLocalStorage<Key>();
  let position = 0;
  let fresh = 0;

  const owned = async (): Promise<void> => {
    await life.gate();
    if (kept.owner !== undefined && kept.owner !== life) await new Promise<never>(() => {});
  };
  const entry = async (key: Key, body: () => Promise<unknown>, recorded = () => {}): Promise<Answer> => {
    const outer = inside.getStore();
    if (outer !== undefined) throw new Error(`the entry ${key} was begun inside ${outer}`);
    const at = position;
    position += 1;
    const found = kept.slots.get(at);
    if (found) {
      if (found.key !== key) throw new Error(`replay differs: entry ${at} was ${found.key} and is ${key}`);
      return JSON.parse(found.text) as Answer;
    }
    await life.gate();
    const answer = await inside.run(key, () => attempt(body));
    fresh += 1;
    const n = fresh;
    hooks.ran?.(key, n);
    await owned();
    const text = JSON.stringify(answer);
    kept.slots.set(at, { key, text });
    recorded();
    hooks.recorded?.(key, n);
    await life.gate();
    return JSON.parse(text) as Answer;
  };
  const once = async <T>(key: Key, body: () => Promise<T>, recorded?: () => void): Promise<T> =>
    open<T>(await entry(key, body, recorded));

  return {
    once: (key, body) => once(key, body),
    round: async <T>(entries: readonly { readonly key: Key; body(): Promise<T> }[]) => {
      const answers = await Promise.all(entries.map(({ key, body }) => entry(key, () => body())));
      return answers.map((answer) => open<T>(answer));
    },
    answer: <T>(key: Key, until: Instant) =>
      once<T | undefined>(
        key,
        async () => {
          if (!kept.messages.get(key)?.length) await hears(key, until);
          return kept.messages.get(key)?.at(0) as T | undefined;
        },
        // Together with the record, as on the durable engine: a process that dies before it has not read the message.
        () => void kept.messages.get(key)?.shift(),
      ),
    sleepUntil: async (at) => {
      await life.gate();
      await clock.passUntil(at);
    },
    owned,
    now: nowText,
  };
}

async function attempt(body: () => Promise<unknown>): Promise<Answer> {
  try {
    return { is: "value", value: await body() };
  } catch (thrown) {
    // Not a trouble of the run: it is not recorded, and the test sees it.
    if (thrown instanceof Waits) throw thrown;
    return { is: "trouble", trouble: troubleOf(thrown) };
  }
}

function open<T>(answer: Answer): T {
  if (answer.is === "value") return answer.value as T;
  throw new LockstepError(answer.trouble);
}
