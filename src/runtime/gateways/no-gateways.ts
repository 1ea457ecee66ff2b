import type { RuntimeParts } from "../parts.ts";

/** For a server that joins no chat platform. */
export const noGateways: RuntimeParts["gateways"] = {
  isReady: () => false,
  status: () => undefined,
  ask: async (name) => ({ kind: "unanswered", why: "not_ready", detail: `this server runs no gateway ${name}` }),
  tell: () => false,
};
