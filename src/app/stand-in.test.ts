import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { LockstepError } from "../core/errors.ts";
import { standInFor } from "./stand-in.ts";

const away = () =>
  new LockstepError({ code: "DATABASE_UNREACHABLE", message: "it is away", because: "b", next: "n" });

it("opens an engine once no worker lives, and none where the command ends before", async () => {
  const stop = new AbortController();
  const alive = [true, true, false];
  const open = vi.fn(async () => "engine");
  const ask = { lives: async () => alive.shift() ?? true, open, everyMs: 5, log: () => {} };
  const engine = standInFor(ask, stop.signal);
  expect(await engine).toBe("engine");
  const unneeded = standInFor(ask, stop.signal);
  await sleep(50);
  stop.abort();
  expect(await unneeded).toBeUndefined();
  expect(open).toHaveBeenCalledTimes(1);
});

it("goes on where the engine cannot be opened, says so once, and never rejects: nobody may be listening", async () => {
  const stop = new AbortController();
  const said: string[] = [];
  const open = vi.fn(async () => "engine");
  open.mockRejectedValueOnce(away()).mockRejectedValueOnce(away());
  const ask = { lives: async () => false, open, everyMs: 5, log: (msg: string) => said.push(msg) };
  const engine = standInFor(ask, stop.signal);
  await sleep(50);
  expect(await engine).toBe("engine");
  expect(said).toEqual([expect.stringContaining("DATABASE_UNREACHABLE  it is away")]);
  open.mockRejectedValue(away());
  const closed = standInFor(ask, stop.signal);
  await sleep(50);
  stop.abort();
  expect(await closed).toBeUndefined();
});
