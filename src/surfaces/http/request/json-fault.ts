const blank = /[ \t\n\r]*/y;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- control characters must be escaped in JSON
const stringStart = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

/**
 * Where a text stops being JSON (RFC 8259), as an offset; its length if it only ends too early. For texts that
 * `JSON.parse` refused: its own message names the place for some faults only. Recursive: check the depth first.
 */
export function jsonFault(text: string): number {
  const scan = new Scan(text);
  return scan.value() ? scan.skipBlank() : scan.at;
}

class Scan {
  at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  skipBlank(): number {
    this.match(blank);
    return this.at;
  }

  value(): boolean {
    this.skipBlank();
    if (this.accept("{")) return this.members("}", () => this.string() && this.accept(":") && this.value());
    if (this.accept("[")) return this.members("]", () => this.value());
    if (this.text[this.at] === '"') return this.string();
    return this.match(scalar);
  }

  private members(end: string, member: () => boolean): boolean {
    if (this.accept(end)) return true;
    do if (!member()) return false;
    while (this.accept(","));
    return this.accept(end);
  }

  private string(): boolean {
    this.skipBlank();
    return this.match(stringStart) && this.text[this.at] === '"' && ++this.at > 0;
  }

  private accept(character: string): boolean {
    this.skipBlank();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found !== null;
  }
}
