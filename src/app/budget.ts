import type { Budget } from "../core/record.ts";
import { budgetIn } from "../db/budget.ts";
import type { Database } from "../db/database.ts";
import { VENDORS } from "./adapters.ts";

/** A vendor that names no limit is held only by what its replies say. */
const UNSTATED = { capacity: 1_000_000, perMinute: 1_000_000 };

/** The budget of all vendor accounts, each refilled at the rate that its vendor states. Accounts are named `vendor:host:account`. */
export function vendorBudget(database: Database): Budget {
  return budgetIn(database, (account) => VENDORS[account.split(":")[0] ?? ""]?.rate ?? UNSTATED);
}
