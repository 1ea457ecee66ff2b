import type { Gate } from "./access/gate.ts";
import type { HttpOptions } from "./options.ts";
import type { OpenStreams } from "./stream/open-streams.ts";

/** What every route may use: the options, and what one HTTP surface keeps while it runs. */
export type Surface = HttpOptions & {
  readonly gate: Gate;
  readonly streams: OpenStreams;
  /** Fires when the server drains: whoever waits stops waiting. */
  readonly draining: AbortSignal;
  readonly startedAtMs: number;
  /** The OpenAPI document. */
  describe(): unknown;
};
