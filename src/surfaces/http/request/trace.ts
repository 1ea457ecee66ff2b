// https://www.w3.org/TR/trace-context/#traceparent-header ; later versions may add fields at the end.
const pattern = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

/** The trace id of a `traceparent` header; `undefined` if there is none that is valid. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const match = pattern.exec(traceparent ?? "");
  const traceId = match?.[1];
  if (traceId === undefined || /^0+$/.test(traceId) || /^0+$/.test(match?.[2] ?? "0")) return undefined;
  return traceId;
}

/** A request id that the caller chose, if it is one that can be shown anywhere. */
export function chosenRequestId(header: string | undefined): string | undefined {
  return header !== undefined && /^[A-Za-z0-9._-]{8,64}$/.test(header) ? header : undefined;
}
