import type {
  HealthBody,
  ReadinessBody,
  RepairReportBody,
  VerifyReportBody,
  VersionBody,
} from "../../schema/api/server.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { RequestOptions, Requests } from "../request.ts";

const adminSession = (id: SessionId, rest: string): string =>
  `/api/v1/admin/sessions/${encodeURIComponent(id)}/${rest}`;

/** What a server says about itself, and what its administrator asks of it. */
export const serverCalls = (requests: Requests) => ({
  /** Whether the process answers. */
  live: (): Promise<string> => requests.text({ method: "GET", path: "/livez" }),
  ready: (options: RequestOptions = {}): Promise<ReadinessBody> =>
    requests.json({ ...options, method: "GET", path: "/readyz" }),
  health: (): Promise<HealthBody> => requests.json({ method: "GET", path: "/health" }),
  version: (): Promise<VersionBody> => requests.json({ method: "GET", path: "/version" }),
  metrics: (): Promise<string> => requests.text({ method: "GET", path: "/metrics" }),
  openApi: (): Promise<Record<string, unknown>> => requests.json({ method: "GET", path: "/openapi.json" }),
  reload: (): Promise<{ agents: number }> => requests.json({ method: "POST", path: "/api/v1/admin/reload" }),
  /** Begins to drain; the answer comes before the end. */
  shutdown: (): Promise<string> => requests.text({ method: "POST", path: "/api/admin/v1/shutdown" }),
  doctor: (): Promise<unknown> => requests.json({ method: "GET", path: "/api/v1/admin/doctor" }),
  verifySession: (id: SessionId): Promise<VerifyReportBody> =>
    requests.json({ method: "POST", path: adminSession(id, "verify") }),
  repairSession: (id: SessionId, body: { apply?: boolean; reseal?: boolean } = {}): Promise<RepairReportBody> =>
    requests.json({ method: "POST", path: adminSession(id, "repair"), body }),
});
