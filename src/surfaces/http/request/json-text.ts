import { DuragentError } from "../../../schema/problem.ts";
import { jsonFault } from "./json-fault.ts";

const depthMax = 64;
const keysMax = 10_000;

/** Reads a JSON text of a request: at most 64 levels deep and 10,000 keys, no key twice in one object. */
export function parseJsonText(text: string): unknown {
  refuseDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const what = text.trim() === "" ? "the body is empty, JSON is expected" : "this is not JSON";
    throw wrong(text, jsonFault(text), what);
  }
  refuseRepeatedKeys(text);
  return value;
}

// Before parsing: the parser itself is recursive, and so is everything that walks its result.
function refuseDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) at = endOfString(text, at);
    else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      if (depth > depthMax) throw wrong(text, at, `nested deeper than ${depthMax} levels`);
    } else if (unit === 0x7d || unit === 0x5d) depth -= 1;
  }
}

// The text is JSON here. Of two equal keys `JSON.parse` keeps the last, other programs the first: whoever checks
// one and runs the other can be deceived.
function refuseRepeatedKeys(text: string): void {
  const open: (Set<string> | null)[] = [];
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x7b) open.push(new Set());
    else if (unit === 0x5b) open.push(null);
    else if (unit === 0x7d || unit === 0x5d) open.pop();
    else if (unit === 0x22) {
      const end = endOfString(text, at);
      const object = open.at(-1);
      if (object && isKey(text, end)) {
        const key = String(JSON.parse(text.slice(at, end + 1)));
        keys += 1;
        if (keys > keysMax) throw wrong(text, at, `more than ${keysMax} keys`);
        // A schema would pass over this one in silence.
        if (key === "__proto__") throw wrong(text, at, "the key __proto__ is not taken anywhere");
        if (object.has(key))
          throw wrong(text, at, `the key ${JSON.stringify(key.slice(0, 60))} stands here a second time`);
        object.add(key);
      }
      at = end;
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at += 1;
    else if (unit === 0x22) return at;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (" \t\n\r".includes(text[at] ?? "x")) at += 1;
  return text[at] === ":";
}

function wrong(text: string, position: number, what: string): DuragentError {
  const before = text.slice(0, position).split("\n");
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  return new DuragentError("bad-request", `The body can not be read: ${what} (${place}).`, {
    errors: [{ path: "", message: `${what} (${place})` }],
  });
}
