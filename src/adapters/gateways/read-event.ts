import { eventSchemas, lineBytesMax, type EventType, type GatewayEvent } from "@duragent/gateway-protocol";

/** Why a line is left out; a label of a metric. */
export type LineFault = "too_long" | "blank" | "no_json" | "no_object" | "unknown_type" | "invalid";

export type ReadLine =
  | { readonly kind: "event"; readonly event: GatewayEvent }
  | { readonly kind: "skipped"; readonly why: LineFault; readonly detail: string };

/** A line that a gateway has printed; `null` was too long. Never throws, whatever it is. */
export function readEvent(line: string | null): ReadLine {
  if (line === null) return skipped("too_long", `longer than the ${lineBytesMax} bytes that are allowed`);
  if (line.trim() === "") return skipped("blank", "");
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return skipped("no_json", String(error));
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return skipped("no_object", 'no "type"');
  const type = value.type;
  if (!isEventType(type)) return skipped("unknown_type", typeof type === "string" ? type : typeof type);
  return checked(type, value);
}

function checked<Type extends EventType>(type: Type, value: object): ReadLine {
  try {
    const { success, data, error } = eventSchemas[type].safeParse(value);
    if (!success) {
      const where = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
      return skipped("invalid", `${type}: ${where}`);
    }
    // The compiler does not follow that the schema of `type` gives the event of `type`.
    return { kind: "event", event: { type, ...data } as unknown as GatewayEvent };
  } catch (error) {
    // Nested so deeply that the check itself found no end.
    return skipped("invalid", `${type}: ${String(error)}`);
  }
}

const isEventType = (type: unknown): type is EventType => typeof type === "string" && Object.hasOwn(eventSchemas, type);

const skipped = (why: LineFault, detail: string): ReadLine => ({ kind: "skipped", why, detail: detail.slice(0, 300) });
