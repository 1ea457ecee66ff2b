import { Budgets } from "./budgets.ts";
import { Inbound } from "./inbound.ts";
import type { RuntimeParts } from "../parts.ts";
import { Rates } from "./rates.ts";

/** The limits that this process holds to, with all that it has counted. */
export type LimitsInForce = { budgets: Budgets; rates: Rates; inbound: Inbound };

/** Settings are read anew at each use: what a changed configuration says holds at once. */
export const createLimits = (parts: RuntimeParts): LimitsInForce => ({
  budgets: new Budgets(parts),
  rates: new Rates(parts),
  inbound: new Inbound(parts),
});
