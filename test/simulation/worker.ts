import type { Life } from "../flow/life.ts";

/** One process of the program: it works, is frozen (SIGSTOP, a machine that sleeps) and woken, or dies (SIGKILL). */
export interface Worker extends Life {
  readonly name: string;
  readonly frozen: boolean;
  freeze(): void;
  wake(): void;
}

const OPEN = Promise.resolve();

/** A process that has begun. Whatever it does after its death never settles; what it does while frozen waits. */
export function newWorker(name: string): Worker {
  const { promise: died, reject } = Promise.withResolvers<never>();
  died.catch(() => {});
  let dead = false;
  let ice: PromiseWithResolvers<void> | undefined;
  const wait = async (): Promise<void> => {
    while (ice && !dead) await ice.promise;
    if (dead) await new Promise<never>(() => {});
  };
  // Asked at every step of every call: the usual answer costs nothing.
  const gate = (): Promise<void> => (ice || dead ? wait() : OPEN);
  return {
    name,
    died,
    gate,
    get dead() {
      return dead;
    },
    get frozen() {
      return ice !== undefined;
    },
    die: () => {
      dead = true;
      reject(new Error(`${name} died`));
    },
    freeze: () => {
      ice ??= Promise.withResolvers<void>();
    },
    wake: () => {
      const melted = ice;
      ice = undefined;
      melted?.resolve();
    },
  };
}
