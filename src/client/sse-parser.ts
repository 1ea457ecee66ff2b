/** One event of a stream; `event` is `message` where the stream names none. */
export type SseMessage = { id?: string; event: string; data: string };

/** Anything that arrived, so that silence can be told from a dead connection: a message, or `null` for a comment. */
export type SseItem = SseMessage | null;

// An event of the log may hold a tool's arguments of some megabytes; what is longer is no event of ours.
const lineUnitsMax = 64 * 1024 * 1024;

/**
 * Reads server-sent events (WHATWG HTML, "Parsing an event stream") from chunks cut anywhere, also inside a
 * character. An event whose empty line never came is dropped, as the standard wants. Throws on an endless line.
 */
export async function* parseSse(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SseItem> {
  const decoder = new TextDecoder();
  const lines = new LineSplitter();
  const block = new Block();
  for await (const chunk of chunks) {
    for (const line of lines.split(decoder.decode(chunk, { stream: true }))) {
      const item = block.add(line);
      if (item !== undefined) yield item;
    }
  }
}

/** Cuts text at LF, CR LF or CR; keeps what has no end yet in pieces, so that a long line costs no copying. */
class LineSplitter {
  private pieces: string[] = [];
  private units = 0;
  private afterReturn = false;

  *split(text: string): Generator<string> {
    let start = this.afterReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.afterReturn = text.endsWith("\r");
    const pattern = /\r\n|\n|\r/g;
    pattern.lastIndex = start;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      this.pieces.push(text.slice(start, match.index));
      yield this.pieces.join("");
      this.pieces = [];
      this.units = 0;
      start = pattern.lastIndex;
    }
    this.pieces.push(text.slice(start));
    this.units += text.length - start;
    if (this.units > lineUnitsMax) throw new Error(`the stream has a line of more than ${lineUnitsMax} characters`);
  }
}

class Block {
  private data: string[] = [];
  private event = "";
  private id: string | undefined;

  add(line: string): SseItem | undefined {
    if (line === "") return this.finish();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return undefined;
  }

  private finish(): SseMessage | undefined {
    const { data, event, id } = this;
    this.data = [];
    this.event = "";
    this.id = undefined;
    if (data.length === 0) return undefined;
    return { ...(id === undefined ? {} : { id }), event: event === "" ? "message" : event, data: data.join("\n") };
  }
}
