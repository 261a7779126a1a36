import { expect, it } from "vitest";
import { mutantsOf } from "./mutate.ts";

const SOURCE = `
const CONDITIONS = [one, two];
export function may(list: number[], age: number): object | undefined {
  if (list.every((n) => n > 0 && age <= 5)) return undefined;
  if (age === 7) report(list);
  return { code: "NO", message: age > 8 ? list : age };
}
const kinds = [one, two].map(known).join(age > 9 ? "old" : \`\${age}\`);
function costsOf(age: number) {
  return age === 10 ? 1 : 2;
}
const step = { needs: [one, ...four] };
const other = { needs: four, proves: seen, looksFirst: true };
`;

it("makes every fault of its kinds, one at a time, and leaves words alone", () => {
  const mutants = mutantsOf("x.ts", SOURCE, { four: ["the first", "the second"] });
  expect(mutants.map(({ line, kind, says }) => `${line} ${kind}: ${says}`)).toEqual([
    "2 member: one, → (removed)",
    "2 member: two → (removed)",
    "4 condition: list.every((n) => n > 0 && age <= 5) → !(list.every((n) => n > 0 && age <= 5))",
    "4 condition: every → some",
    "4 condition: && → ||",
    "4 condition: > → >=",
    "4 condition: <= → <",
    "5 condition: === → !==",
    "5 call: report(list); → ;",
    '6 trouble: return { code: "NO", message: age > 8 ? list : age }; → return undefined as never;',
    "8 member: one, → (removed)",
    "8 member: two → (removed)",
    "12 guard: one, → (removed)",
    '12 guard: four → without "the first"',
    '12 guard: four → without "the second"',
    '13 guard: four → without "the first"',
    '13 guard: four → without "the second"',
    "13 part: proves → (removed)",
    "13 flag: true → false",
  ]);
  for (const { text } of mutants) expect(text).not.toBe(SOURCE);
  expect(mutants.at(-1)?.text).toContain("const other = { needs: four, proves: seen, looksFirst: false };");
  expect(mutants.at(-2)?.text).toContain("const other = { needs: four,  looksFirst: true };");
  expect(mutants.at(-3)?.text).toContain("needs: four.toSpliced(1, 1), proves");
});
