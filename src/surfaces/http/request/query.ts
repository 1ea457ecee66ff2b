import { DuragentError } from "../../../schema/problem.ts";

/**
 * The parameters of a query string, each at most once. `label.KEY=VALUE`, which may come for several keys,
 * is gathered under `labels`.
 */
export function readQuery(query: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  const repeated: string[] = [];
  for (const [name, value] of new URLSearchParams(query)) {
    const label = name.startsWith("label.") ? name.slice("label.".length) : undefined;
    const target = label === undefined ? found : labels;
    const key = label ?? name;
    // A schema would pass over this one in silence.
    if (key === "__proto__") throw badQuery([name], "unknown parameter");
    if (Object.hasOwn(target, key)) repeated.push(name);
    target[key] = value;
  }
  if (Object.hasOwn(found, "labels")) throw badQuery(["labels"], "unknown parameter; write label.KEY=VALUE");
  if (repeated.length > 0) throw badQuery(repeated, "stands here more than once");
  if (Object.keys(labels).length > 0) found["labels"] = labels;
  return found;
}

function badQuery(names: string[], message: string): DuragentError {
  return new DuragentError("bad-request", `The query string is wrong: ${names.join(", ")} ${message}.`, {
    errors: names.map((path) => ({ path, message })),
  });
}
