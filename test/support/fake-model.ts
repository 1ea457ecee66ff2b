import type { Model, ModelFailure, ModelPart, ModelRegistry, ModelRequest } from "../../src/ports/model.ts";
import type { ToolCall } from "../../src/schema/session-event.ts";

export type FakeReply = {
  /** Pieces of thoughts, before the text. */
  thinking?: string[];
  /** Pieces of text, in order. */
  text?: string[];
  calls?: ToolCall[];
  fail?: ModelFailure;
  /** After the text and before the end: the call hangs until this resolves (or it is aborted). */
  hold?: Promise<void>;
};

/** A model that says what a test tells it to; without a queued reply it echoes the last user message. */
export class FakeModel implements Model, ModelRegistry {
  readonly provider = "fake";
  readonly name = "fake-1";
  readonly requests: ModelRequest[] = [];
  aborted = 0;
  private readonly replies: FakeReply[] = [];
  private readonly arrivals: ((request: ModelRequest) => void)[] = [];
  private readonly holds: (() => void)[] = [];

  model(): Promise<Model> {
    return Promise.resolve(this);
  }

  reply(reply: FakeReply): void {
    this.replies.push(reply);
  }

  /** Resolves with the next request. */
  nextRequest(): Promise<ModelRequest> {
    return new Promise((resolve) => this.arrivals.push(resolve));
  }

  /** Resolves when the next reply has said its text and hangs. */
  holding(): Promise<void> {
    return new Promise((resolve) => this.holds.push(resolve));
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart> {
    this.requests.push(request);
    for (const arrive of this.arrivals.splice(0)) arrive(request);
    const last = request.messages.findLast((message) => message.role === "user");
    const reply = this.replies.shift() ?? { text: [`echo: ${last?.role === "user" ? last.content : ""}`] };
    for (const text of reply.thinking ?? []) yield { type: "thinking", text };
    for (const text of reply.text ?? []) yield { type: "text", text };
    if (reply.hold) for (const reached of this.holds.splice(0)) reached();
    if (reply.hold) await this.until(reply.hold, signal);
    if (reply.fail) throw reply.fail;
    for (const call of reply.calls ?? []) yield { type: "tool_call", call };
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    yield { type: "finish", stop: reply.calls?.length ? "tool_calls" : "end", usage };
  }

  private until(held: Promise<void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.aborted += 1;
        reject(new Error("aborted"));
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop);
      held.then(resolve, reject);
    });
  }
}

/** A promise and what resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
