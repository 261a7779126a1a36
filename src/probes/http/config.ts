import { z } from "zod";

/** A page that is asked, and what it is to answer. */
export interface HttpProbeConfig {
  /** Below the connection's address, with its query if it has one: `/health/trading`. */
  readonly path: string;
  /** A success; a refusal would be no evidence, because anybody can refuse. */
  readonly status: number;
  /** Fields of the JSON object that is answered, with what each is to hold: `{ live_enabled: false }`. */
  readonly json?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Checks that part of a configuration. */
export const httpProbeConfig = z.strictObject({
  path: z.string().regex(/^\/(?!\/)[^#\s]*$/, { error: "a path that begins with one /" }),
  status: z.int().min(200).max(299).default(200),
  json: z
    .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
    .refine((fields) => Object.keys(fields).length > 0, { error: "at least one field" })
    .optional(),
}) satisfies z.ZodType<HttpProbeConfig>;
