import type { Secret } from "./secret-value.ts";

type Plain = string | number | boolean | null | undefined;

/**
 * `T` if it is plain data at every depth; `never` wherever a {@link Secret}, a class with behaviour, `any` or
 * `unknown` hides. A mapped type and not a recursive JSON type: the latter fails on real facts (TS2589).
 */
type Recordable<T> = 0 extends 1 & T
  ? never
  : unknown extends T
    ? never
    : T extends Plain
      ? T
      : T extends Secret
        ? never
        : T extends (...args: never[]) => unknown
          ? never
          : T extends Map<unknown, unknown> | Set<unknown> | Date | Promise<unknown> | ArrayBufferView
            ? never
            : { [K in keyof T]: Recordable<T[K]> };

/** Declares a closed vocabulary whose every entry can be recorded; anything else is an error on that line. */
export type Vocabulary<T extends { [K in keyof T]: Recordable<T[K]> }> = T;
