/** Who may use what stands under a path: see `Gate`. */
export type Area = "probe" | "public" | "metrics" | "api" | "admin";

const probes = new Set(["/livez", "/readyz", "/health", "/version"]);

/** Every path belongs to an area, also one that no route serves: what does not exist is told only to those who may know. */
export function areaOf(path: string): Area {
  if (probes.has(path)) return "probe";
  if (path === "/metrics") return "metrics";
  if (/^\/api\/(v1\/admin|admin)(\/|$)/.test(path)) return "admin";
  if (/^\/api(\/|$)/.test(path)) return "api";
  return "public";
}
