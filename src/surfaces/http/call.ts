import type { IncomingMessage, ServerResponse } from "node:http";

import type { SessionId } from "../../schema/ids.ts";
import type { BodyTime } from "./request/body-time.ts";
import type { Surface } from "./surface.ts";

/** One request as a route sees it, before its own parts are parsed. */
export type Arrived = {
  readonly surface: Surface;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly bodyTime: BodyTime | undefined;
  readonly requestId: string;
  readonly traceId: string | undefined;
  /** `cli`: over the local socket. */
  readonly source: "http" | "cli";
  readonly authorized: boolean;
  /** What every answer carries; who writes to `outgoing` itself sends them too. */
  readonly headers: Readonly<Record<string, string>>;
  readonly path: Readonly<Record<string, string>>;
  readonly query: string;
};

/** A request whose parts have been checked against the route's schemas. */
export type Call<Params, Query, Body> = Omit<Arrived, "path" | "query"> & {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly idempotencyKey: string | undefined;
};

/** What most routes of sessions have in common. */
export type SessionCall = Omit<Arrived, "path" | "query"> & { readonly params: { id: SessionId } };

/** Fires when the client has hung up or the server drains; `stop` when the answer is known. */
export function untilHangUp({ outgoing, surface }: Pick<Arrived, "outgoing" | "surface">): {
  signal: AbortSignal;
  stop(): void;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  outgoing.once("close", abort);
  surface.draining.addEventListener("abort", abort, { once: true });
  if (outgoing.destroyed || surface.draining.aborted) abort();
  return {
    signal: controller.signal,
    stop() {
      outgoing.off("close", abort);
      surface.draining.removeEventListener("abort", abort);
    },
  };
}
