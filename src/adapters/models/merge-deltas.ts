// Text that arrives in one packet goes on as one event: what a provider's package does for each event costs more than
// everything else that a token causes. Only neighbours that differ in nothing but their text are merged; whatever is
// not recognised passes as it came.

// A text delta of OpenAI's chat dialect with nothing beside its text, or of Anthropic's. An unescaped `"content":` can
// not stand inside a JSON string, so neither pattern finds one there.
const nothingElse = String.raw`"(?:role"\s*:\s*"assistant"|[a-z_]+"\s*:\s*null)`;
const text = String.raw`"((?:[^"\\]|\\.)*)"`;
const chatDelta = new RegExp(
  String.raw`"delta"\s*:\s*\{\s*(?:${nothingElse}\s*,\s*)*"content"\s*:\s*${text}(?:\s*,\s*${nothingElse})*\s*\}`,
  "d",
);
const anthropicDelta = new RegExp(
  String.raw`"delta"\s*:\s*\{\s*"type"\s*:\s*"text_delta"\s*,\s*"text"\s*:\s*${text}\s*\}`,
  "d",
);

type TextEvent = { before: string; text: string; after: string };

/** Merges the text deltas of each piece that is pushed; an event that is not whole waits for its rest. */
export class DeltaMerger {
  private rest = "";
  private held: TextEvent | null = null;
  private out = "";

  push(piece: string): string {
    const events = (this.rest + piece).split("\n\n");
    this.rest = events.pop() ?? "";
    for (const event of events) this.add(event);
    this.flush();
    const { out } = this;
    this.out = "";
    return out;
  }

  /** What is left of a stream that ends inside an event. */
  end(): string {
    const { rest } = this;
    this.rest = "";
    return rest;
  }

  private add(event: string): void {
    const found = textEventOf(event);
    if (found && this.held?.before === found.before && this.held.after === found.after) {
      this.held.text += found.text;
      return;
    }
    this.flush();
    if (found) this.held = found;
    else this.out += `${event}\n\n`;
  }

  private flush(): void {
    if (this.held) this.out += `${this.held.before}${this.held.text}${this.held.after}\n\n`;
    this.held = null;
  }
}

function textEventOf(event: string): TextEvent | null {
  const place = (chatDelta.exec(event) ?? anthropicDelta.exec(event))?.indices?.[1];
  if (!place) return null;
  const [start, end] = place;
  // Anthropic pads its events with blanks of varying number.
  return { before: event.slice(0, start), text: event.slice(start, end), after: event.slice(end).trimEnd() };
}

/** A `fetch` whose event streams are merged; everything else is as the other's. */
export function mergingFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const isStream = response.headers.get("content-type")?.includes("text/event-stream") === true;
    if (!isStream || !response.ok || response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(mergedBody(response.body), { status, statusText, headers });
  };
}

function mergedBody(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const merger = new DeltaMerger();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const { done, value } = await reader.read();
        const merged = done
          ? merger.push(decoder.decode()) + merger.end()
          : merger.push(decoder.decode(value, { stream: true }));
        if (merged !== "") controller.enqueue(encoder.encode(merged));
        if (done) return controller.close();
        if (merged !== "") return;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
