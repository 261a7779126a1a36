import { z } from "zod";
import type { Answer } from "../reply.ts";
import { plainText } from "../shaped.ts";
import { type Caller, isWithheld, type Part } from "./caller.ts";
import type { Place } from "./shapes.ts";
import type { Surroundings } from "./surroundings.ts";

/** One rule of a role or of an additional privilege; of all that fit the last one decides. */
interface Rule {
  readonly subjects: readonly string[];
  readonly actions: readonly string[];
  readonly inverted: boolean;
  /** Under which conditions it fits, by field: environment, secretPath, secretName and others. */
  readonly conditions: Readonly<Record<string, unknown>>;
}

/** What this identity may do in a project, as far as Infisical tells it. */
export type Rights = readonly Rule[] | "not told";

/** Reading of an identity's own rights. */
export interface RightsReader {
  /** Its role's rules, then those of its additional privileges: one call for each, more for roles and privileges of one's own making. */
  rights(project: string): Promise<Answer<Rights>>;
}

// Roles that every project has; their rules are the same everywhere (infisical.md 2).
const WRITES: Rule = { subjects: ["secrets"], actions: ["create", "edit"], inverted: false, conditions: {} };
const BUILT_IN: Readonly<Record<string, readonly Rule[]>> = {
  admin: [WRITES],
  member: [WRITES],
  viewer: [],
  "no-access": [],
};

/** Reading the rights of the identity that is logged in, with its own token: the route that answers all at once is for people only. */
export function rightsReader(caller: Caller, { project }: Pick<Surroundings, "project">): RightsReader {
  const by: Reading = { caller, slugged: slugged(project) };
  return {
    async rights(id) {
      const identity = await caller.identity();
      if (identity.is !== "done") return identity;
      if (identity.value === undefined) return { is: "done", value: "not told" };
      const all: Rule[] = [];
      for (const part of [roles, privileges]) {
        const some = await part(by, id, identity.value);
        if (isWithheld(some)) return { is: "done", value: "not told" };
        if (some.is !== "done" || some.value === "not told") return some;
        all.push(...some.value);
      }
      return { is: "done", value: all };
    },
  };
}

/** What the readers of one kind of rules need. */
interface Reading {
  readonly caller: Caller;
  readonly slugged: ReturnType<typeof slugged>;
}

/** The older routes want the project's slug, which costs a call of its own. */
function slugged(project: Surroundings["project"]) {
  return (id: string, part: (slug: string) => Part) => async (): Promise<Answer<Part>> => {
    const found = await project(id);
    return found.is === "done" ? { is: "done", value: part(found.value.slug) } : found;
  };
}

async function roles(by: Reading, project: string, identity: string): Promise<Answer<Rights>> {
  const asked = { method: "GET", params: { project, identity } } as const;
  const current = { ...asked, route: "/api/v1/projects/{project}/memberships/identities/{identity}" };
  const older = { ...asked, route: "/api/v2/workspace/{project}/identity-memberships/{identity}" };
  const membership = await by.caller.either("members", { current, older }, membershipShape);
  if (membership.is !== "done") return membership;
  const rules: Rule[] = [];
  for (const { role, custom, temporary } of membership.value) {
    // What ends at some time says little about the time of the write.
    if (temporary) return { is: "done", value: "not told" };
    const known = custom === undefined ? BUILT_IN[role] : undefined;
    const own: Answer<readonly Rule[]> = known
      ? { is: "done", value: known }
      : await rulesOf(by, project, custom ?? role);
    if (own.is !== "done") return own;
    rules.push(...own.value);
  }
  return { is: "done", value: rules };
}

function rulesOf(by: Reading, project: string, role: string): Promise<Answer<readonly Rule[]>> {
  const method = "GET";
  const current = {
    method,
    route: "/api/v1/projects/{project}/roles/slug/{role}",
    params: { project, role },
  } as const;
  const older = by.slugged(project, (slug) => ({
    method,
    route: "/api/v1/workspace/{slug}/roles/slug/{role}",
    params: { slug, role },
  }));
  return by.caller.either("roles", { current, older }, roleShape);
}

async function privileges(by: Reading, project: string, identityId: string): Promise<Answer<Rights>> {
  const method = "GET";
  const base = "/api/v2/identity-project-additional-privilege";
  const current = { method, route: base, query: { projectId: project, identityId } } as const;
  const older = by.slugged(project, (projectSlug) => ({
    method,
    route: "/api/v1/additional-privilege/identity",
    query: { projectSlug, identityId },
  }));
  const listed = await by.caller.either("privileges", { current, older }, privilegesShape);
  if (listed.is !== "done") return listed;
  const rules: Rule[] = [];
  for (const { id, temporary, rules: shown } of listed.value) {
    if (temporary) return { is: "done", value: "not told" };
    // Current builds leave the rules out of the list.
    const own: Answer<readonly Rule[]> = shown
      ? { is: "done", value: shown }
      : await by.caller.only({ method, route: `${base}/{id}`, params: { id } }, privilegeShape);
    if (own.is !== "done") return own;
    rules.push(...own.value);
  }
  return { is: "done", value: rules };
}

/** Whether a secret of this place may be changed; `unclear` where a rule is of a kind that is not understood here. */
export function mayEdit(rules: readonly Rule[], place: Place, key: string): "yes" | "no" | "unclear" {
  const secret: Readonly<Record<string, string>> = {
    environment: place.environment,
    secretPath: place.path,
    secretName: key,
  };
  for (const rule of rules.toReversed()) {
    if (!rule.subjects.includes("secrets") || !rule.actions.includes("edit")) continue;
    const fits = Object.entries(rule.conditions).map(([field, asked]) => meets(secret[field], asked));
    if (fits.includes("no")) continue;
    if (fits.includes("unclear")) return "unclear";
    return rule.inverted ? "no" : "yes";
  }
  return "no";
}

function meets(text: string | undefined, asked: unknown): "yes" | "no" | "unclear" {
  if (text === undefined) return "unclear";
  if (typeof asked === "string") return text === asked ? "yes" : "no";
  if (typeof asked !== "object" || asked === null) return "unclear";
  const results = Object.entries(asked).map(([operator, operand]) => compare(text, operator, operand));
  if (results.includes("no")) return "no";
  return results.includes("unclear") ? "unclear" : "yes";
}

function compare(text: string, operator: string, operand: unknown): "yes" | "no" | "unclear" {
  const told = (is: boolean) => (is ? "yes" : "no");
  if (operator === "$in") return Array.isArray(operand) ? told(operand.includes(text)) : "unclear";
  if (typeof operand !== "string") return "unclear";
  if (operator === "$eq") return told(text === operand);
  if (operator === "$ne") return told(text !== operand);
  // Braces, brackets and the like have meanings of their own.
  if (operator !== "$glob" || !/^[\w\s./*-]*$/.test(operand)) return "unclear";
  const pattern = operand
    .replaceAll(".", "\\.")
    .split(/(\/\*\*(?=\/|$)|\*\*|\*)/)
    .map((part) => ({ "/**": "(/.*)?", "**": ".*", "*": "[^/]*" })[part] ?? part)
    .join("");
  return told(new RegExp(`^${pattern}$`).test(text));
}

const texts = z.union([z.string().transform((one) => [one]), z.array(z.string())]);

const rulesShape = z
  .array(
    z.object({
      subject: texts.optional(),
      action: texts,
      inverted: z.boolean().nullish(),
      conditions: z.record(z.string(), z.unknown()).nullish(),
    }),
  )
  .transform((rules) =>
    rules.map(
      (one): Rule => ({
        subjects: one.subject ?? [],
        actions: one.action,
        inverted: one.inverted === true,
        conditions: one.conditions ?? {},
      }),
    ),
  );

const membershipShape = z
  .object({
    identityMembership: z.object({
      roles: z.array(
        z.object({
          role: plainText,
          customRoleSlug: plainText.nullish(),
          isTemporary: z.boolean().optional(),
        }),
      ),
    }),
  })
  .transform(({ identityMembership }) =>
    identityMembership.roles.map(({ role, customRoleSlug, isTemporary }) => ({
      role,
      custom: customRoleSlug ?? undefined,
      temporary: isTemporary === true,
    })),
  );

const roleShape: z.ZodType<readonly Rule[]> = z
  .object({ role: z.object({ permissions: rulesShape }) })
  .transform(({ role }) => role.permissions);

const privilegesShape = z
  .object({
    privileges: z.array(
      z.object({ id: plainText, isTemporary: z.boolean().optional(), permissions: rulesShape.optional() }),
    ),
  })
  .transform(({ privileges }) =>
    privileges.map((one) => ({ id: one.id, temporary: one.isTemporary === true, rules: one.permissions })),
  );

const privilegeShape: z.ZodType<readonly Rule[]> = z
  .object({ privilege: z.object({ permissions: rulesShape }) })
  .transform(({ privilege }) => privilege.permissions);
