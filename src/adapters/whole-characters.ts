const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** UTF-8 without a last character of which a part is missing: at most three bytes less. */
export function wholeCharacters(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > 0 && start > bytes.length - 4 && isContinuation(bytes[start])) start -= 1;
  const first = bytes[start] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return start >= 0 && start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}

/** UTF-8 without the end of a character at its beginning: at most three bytes less. */
export function fromWholeCharacter(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}

/** Of characters that nobody can read, in what is still a text: a log has some, a picture more. */
const unreadableShareMax = 0.25;
/** So few are shown, in however short a text. */
const unreadableMax = 8;

/** Whether the text that was made of bytes says nothing to a reader: too much of it is no UTF-8, or control characters. */
export function isUnreadable(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  const unreadable = text.match(/[\ufffd\u0000-\u0008\u000e-\u001a]/g)?.length ?? 0;
  return unreadable > Math.max(unreadableMax, text.length * unreadableShareMax);
}
