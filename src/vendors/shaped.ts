import { type ZodType, z } from "zod";
import { Secret } from "../core/secret-value.ts";
import { instantOf } from "../core/time.ts";
import { foreign } from "./classify.ts";
import { oneLine } from "./clean.ts";
import type { Answer, Ask, Dialect, Reply } from "./reply.ts";

/** The body as the schema reads it; a success of another structure is a foreign reply, and zod's own text is dropped (it quotes). */
export function shaped<T>(dialect: Dialect, ask: Ask, answer: Answer<Reply>, schema: ZodType<T>): Answer<T> {
  if (answer.is !== "done") return answer;
  const read = schema.safeParse(answer.value.body);
  return read.success ? { is: "done", value: read.data } : foreign(dialect, ask, answer.value.status);
}

/** Text that is a value: a {@link Secret} from the moment it is read. */
export const secretText = z.string().transform((text) => Secret.of(text));

/** Text for people, made one clean line. */
export const plainText = z.string().transform(oneLine);

/** A moment in any ISO form, as an instant with milliseconds. */
export const moment = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)))
  .transform((text) => instantOf(Date.parse(text)));
