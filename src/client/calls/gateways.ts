import type { GatewayBody, GatewayTrialBody, TryGateway } from "../../schema/api/gateway.ts";
import type { Requests } from "../request.ts";

const gateway = (name: string, rest: string): string => `/api/v1/admin/gateways/${encodeURIComponent(name)}/${rest}`;

/** The programs that join chat platforms; for the administrator. */
export const gatewayCalls = (requests: Requests) => ({
  listGateways: (): Promise<{ gateways: GatewayBody[] }> =>
    requests.json({ method: "GET", path: "/api/v1/admin/gateways" }),
  /** Answered once the new program runs. */
  restartGateway: (name: string): Promise<GatewayBody> =>
    requests.json({ method: "POST", path: gateway(name, "restart") }),
  testGateway: (name: string, body: TryGateway = {}): Promise<GatewayTrialBody> =>
    requests.json({ method: "POST", path: gateway(name, "test"), body }),
});
