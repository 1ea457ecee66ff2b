/** `events_api`: something happened; `interactive`: a button was pressed. */
export type DeliveryKind = "events_api" | "interactive";

/** How a platform brings events to an app. */
export type Delivery = {
  /** Resolves once the app could see it. `acknowledged` resolves when it says so; it is brought again until then. */
  deliver(kind: DeliveryKind, payload: object): Promise<{ readonly acknowledged: Promise<void> }>;
  /** Envelopes that the app has acknowledged, by the `ts` or `trigger_id` in them, in order. */
  readonly acknowledged: readonly string[];
  dropConnections(): void;
  setReachable(reachable: boolean): void;
  close(): Promise<void>;
};

/** What a test calls an event by. */
export function nameOf(payload: object): string {
  if ("event" in payload && typeof payload.event === "object" && payload.event && "ts" in payload.event)
    return String(payload.event.ts);
  return "trigger_id" in payload ? String(payload.trigger_id) : "";
}
