import type { Metrics } from "../../ports/telemetry.ts";

/** For `observability.metrics.enabled: false`: counts nothing and costs nothing. */
export const noMetrics: Metrics = { add: () => {}, observe: () => {}, gauge: () => {} };
