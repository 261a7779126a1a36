import { expect, it } from "vitest";
import { mutantsOf } from "./mutate.ts";

const SOURCE = `
const CONDITIONS = [one, two];
export function may(list: number[], age: number): object | undefined {
  if (list.every((n) => n > 0 && age <= 5)) return undefined;
  report(list);
  return { code: "NO" };
}
const step = { needs: [one] };
`;

it("makes every fault of its kinds, one at a time", () => {
  const mutants = mutantsOf("x.ts", SOURCE);
  expect(mutants.map(({ line, says }) => `${line} ${says}`)).toEqual([
    "2 one, → (removed)",
    "2 two → (removed)",
    "4 list.every((n) => n > 0 && age <= 5) → !(list.every((n) => n > 0 && age <= 5))",
    "4 every → some",
    "4 && → ||",
    "4 > → >=",
    "4 <= → <",
    "5 report(list); → ;",
    '6 return { code: "NO" }; → return undefined as never;',
    "8 one → (removed)",
  ]);
  for (const { text } of mutants) expect(text).not.toBe(SOURCE);
});
