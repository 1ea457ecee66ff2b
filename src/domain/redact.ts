import { mapStrings } from "./map-strings.ts";

/** What stands where a secret stood. */
const mask = "***";
/** Shorter ones are words of ordinary text: to mask those would destroy what is logged and hide nothing. */
const secretLengthMin = 8;

/** Replaces known secrets by `***`. Where there is none, everything comes back as it is, uncopied. */
export type Redactor = {
  text(text: string): string;
  /**
   * Strings and keys at any depth of arrays and plain objects; keys that become equal keep the last value. What contains
   * itself is masked there.
   */
  value<T>(value: T): T;
  /** For one text that comes in pieces. */
  stream(): RedactingStream;
  /** For bytes that come in pieces, each byte as the character of its number (Latin-1): secrets are looked for as UTF-8. */
  byteStream(): RedactingStream;
};

/**
 * Gives out what is certain to hold no secret and keeps back the end that may be the start of one: less than the
 * longest secret. All that was given out, joined, is the redaction of all that was pushed, however it was cut.
 */
export type RedactingStream = {
  push(piece: string): string;
  /** The rest. Afterwards the stream can be used for another text. */
  end(): string;
};

type Range = { start: number; end: number };

/** Secrets below 8 characters are ignored. A secret is also found as it stands escaped inside a JSON string. */
export function redactor(secrets: Iterable<string>): Redactor {
  const needles = needlesOf(secrets);
  if (needles.length === 0) {
    const unchanged = () => ({ push: (piece: string) => piece, end: () => "" });
    return { text: (text) => text, value: (value) => value, stream: unchanged, byteStream: unchanged };
  }
  const text = (whole: string) => masked(whole, merged(occurrences(whole, needles)));
  return {
    text,
    // Only strings and keys change, the shape stays.
    value: <T>(value: T) => mapStrings(value, text, mask) as T,
    stream: () => redactingStream(needles),
    byteStream: () => redactingStream(needles.map(asBytes)),
  };
}

const asBytes = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");

function needlesOf(secrets: Iterable<string>): string[] {
  const needles = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < secretLengthMin) continue;
    needles.add(secret);
    needles.add(JSON.stringify(secret).slice(1, -1));
  }
  return [...needles];
}

function occurrences(text: string, needles: readonly string[]): Range[] {
  const found: Range[] = [];
  for (const needle of needles) {
    for (let start = text.indexOf(needle); start !== -1; start = text.indexOf(needle, start + 1)) {
      found.push({ start, end: start + needle.length });
    }
  }
  return found;
}

/** Secrets that overlap become one mask: masking them one by one would leave the end of the second in sight. */
function merged(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const range of ranges.sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last !== undefined && range.start < last.end) last.end = Math.max(last.end, range.end);
    else result.push({ ...range });
  }
  return result;
}

function masked(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text;
  let result = "";
  let position = 0;
  for (const { start, end } of ranges) {
    result += text.slice(position, start) + mask;
    position = end;
  }
  return result + text.slice(position);
}

function redactingStream(needles: readonly string[]): RedactingStream {
  let held = "";
  // How much of the start of `held` lies under a mask that was given out already.
  let covered = 0;

  const giveOut = (text: string, until: number): string => {
    const ranges = occurrences(text, needles).filter((range) => range.start < until);
    if (covered > 0) ranges.push({ start: 0, end: covered });
    let result = "";
    let position = 0;
    for (const { start, end } of merged(ranges)) {
      const given = start === 0 && covered > 0;
      result += text.slice(position, start) + (given ? "" : mask);
      position = end;
    }
    if (position < until) result += text.slice(position, until);
    covered = Math.max(0, position - until);
    held = text.slice(until);
    return result;
  };

  return {
    push(piece) {
      const text = held + piece;
      return giveOut(text, certainUntil(text, needles));
    },
    end() {
      const rest = giveOut(held, held.length);
      covered = 0;
      return rest;
    },
  };
}

/** Where the longest end of `text` begins that is the beginning of a needle and not the whole of it. */
function certainUntil(text: string, needles: readonly string[]): number {
  let until = text.length;
  for (const needle of needles) {
    const first = needle.charAt(0);
    const from = Math.max(0, text.length - needle.length + 1);
    for (let start = text.indexOf(first, from); start !== -1 && start < until; start = text.indexOf(first, start + 1)) {
      if (needle.startsWith(text.slice(start))) until = start;
    }
  }
  return until;
}
