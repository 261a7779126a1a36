import { z } from "zod";
import { foreign } from "../classify.ts";
import type { Answer } from "../reply.ts";
import { plainText } from "../shaped.ts";
import { type Caller, isWithheld } from "./caller.ts";
import { infisicalDialect } from "./dialect.ts";
import type { Place } from "./shapes.ts";

/** A change that waits for somebody's approval. */
interface ChangeRequest {
  readonly id: string;
  readonly open: boolean;
  readonly path: string | undefined;
  /** The keys that it changes; undefined where that was not told. */
  readonly keys: readonly string[] | undefined;
}

/** Change requests, which every build that is known shows to people only (infisical.md, Approvals). */
export interface Requests {
  /** Open change requests of a folder; `not shown` where this identity may not read them. */
  openRequests(place: Place): Promise<Answer<readonly ChangeRequest[] | "not shown">>;
}

/** Rows of one answer; a page of the vendor's own length would leave out what lies beyond it. */
const PAGE = 100;
/** More than anybody leaves open; a list without an end shows nothing. */
const MOST_PAGES = 30;

/** Reading change requests. Where they are withheld, the run that filed one asks a person about it. */
export function requests({ only }: Caller): Requests {
  const base = "/api/v1/secret-approval-requests";

  const detail = (id: string) => only({ method: "GET", route: `${base}/{id}`, params: { id } }, detailShape);

  async function listed({ project, environment }: Place): Promise<Answer<readonly ChangeRequest[]>> {
    const found: ChangeRequest[] = [];
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      // Newer builds call the project projectId, older ones workspaceId.
      const which = { projectId: project, workspaceId: project, environment, status: "open" };
      const query = { ...which, limit: String(PAGE), offset: String(found.length) };
      const page = await only({ method: "GET", route: base, query }, listShape);
      if (page.is !== "done") return page;
      found.push(...page.value.requests);
      // A build that does not count them has no more where a page is empty.
      const { requests: some, total } = page.value;
      if (some.length === 0 || (total !== undefined && found.length >= total))
        return { is: "done", value: found };
    }
    return foreign(infisicalDialect, { method: "GET", route: base, effect: "read", hidden: [] }, 200);
  }

  async function inFull(rows: readonly ChangeRequest[]): Promise<Answer<readonly ChangeRequest[]>> {
    const found: ChangeRequest[] = [];
    for (const row of rows) {
      const full: Answer<ChangeRequest> =
        row.path !== undefined && row.keys !== undefined ? { is: "done", value: row } : await detail(row.id);
      if (full.is !== "done") return full;
      found.push(full.value);
    }
    return { is: "done", value: found };
  }

  return {
    async openRequests(place) {
      const rows = await listed(place);
      if (isWithheld(rows)) return { is: "done", value: "not shown" };
      if (rows.is !== "done") return rows;
      const full = await inFull(rows.value);
      return full.is === "done" ? { is: "done", value: openIn(place, full.value) } : full;
    },
  };
}

function openIn({ path }: Place, all: readonly ChangeRequest[]): readonly ChangeRequest[] {
  return all.filter((one) => one.open && (one.path === undefined || one.path === path));
}

const request = z
  .object({
    id: plainText,
    status: plainText,
    hasMerged: z.boolean().optional(),
    secretPath: plainText.optional(),
    commits: z
      .array(
        z.object({
          secretKey: plainText.optional(),
          secret: z.object({ secretKey: plainText }).nullish(),
        }),
      )
      .optional(),
  })
  .transform((one): ChangeRequest => {
    const keys = one.commits?.map(({ secretKey, secret }) =>
      [secretKey, secret?.secretKey].filter((key) => key !== undefined),
    );
    return {
      id: one.id,
      open: one.status === "open" && one.hasMerged !== true,
      path: one.secretPath,
      keys: keys?.every((names) => names.length > 0) ? keys.flat() : undefined,
    };
  });

const listShape = z
  .object({ approvals: z.array(request), totalCount: z.int().optional() })
  .transform(({ approvals, totalCount }) => ({ requests: approvals, total: totalCount }));

const detailShape: z.ZodType<ChangeRequest> = z
  .object({ approval: request })
  .transform(({ approval }) => approval);
