import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { anthropicFrames, chatFrames, type MockAnswer, type MockFrame } from "./mock-provider-frames.ts";

/** An answer, with what goes wrong on its way; or another status than 200. */
export type MockReply =
  | (MockAnswer & {
      /** After so many frames (all there are: `frames` of the handle) … */
      after?: number;
      /** … this happens: the socket is destroyed, the response ends cleanly, an error event comes, or nothing comes any more. */
      fault?: "cut" | "end" | "error" | "stall";
      /** Each frame with content waits for `next()` of the handle. */
      held?: boolean;
    })
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** Takes the request and destroys the socket, or never answers. */
  | { connection: "cut" | "silent" };

export type MockRequest = {
  dialect: "anthropic" | "chat";
  path: string;
  headers: Record<string, string | string[] | undefined>;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look at whatever was sent
  body: any;
};

/** One queued reply, to follow and to steer. */
export type MockHandle = {
  /** Resolves with the request that got this reply. */
  arrived: Promise<MockRequest>;
  /** Resolves when the connection is over; `clientLeft`: before the reply was. */
  closed: Promise<{ clientLeft: boolean }>;
  /** Lets the next held frame go; resolves once it is written. After the last the rest goes by itself. */
  next(): Promise<void>;
  /** Lets everything go. */
  release(): void;
};

export type MockProvider = AsyncDisposable & {
  /** `base_url` for provider anthropic. */
  readonly anthropicUrl: string;
  /** `base_url` for provider openai and all that speak the chat dialect. */
  readonly chatUrl: string;
  /** All requests, oldest first. */
  readonly requests: MockRequest[];
  /** Queues a reply; each request takes the oldest. */
  reply(reply: MockReply): MockHandle;
  /** What a request gets when nothing is queued; a 400 unless set. */
  otherwise(make: (request: MockRequest) => MockReply): void;
};

type Queued = {
  reply: MockReply;
  arrive(request: MockRequest): void;
  close(facts: { clientLeft: boolean }): void;
  /** Resolves when a held frame may go; the function it gives is called once the frame is written. */
  turn(): Promise<() => void>;
};

/** A model provider on 127.0.0.1 that speaks Anthropic's and OpenAI's chat dialect and fails as it is told. */
export async function startMockProvider(): Promise<MockProvider> {
  const queue: Queued[] = [];
  const requests: MockRequest[] = [];
  let fallback = (_request: MockRequest): MockReply => ({
    status: 400,
    body: { error: { message: "nothing is queued" } },
  });

  const server = createServer((incoming, response) => {
    // A client that goes away in the middle is part of many tests.
    response.on("error", () => response.destroy());
    void answer(incoming, response);
  });

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const path = incoming.url ?? "";
    const dialect = path.endsWith("/messages") ? "anthropic" : "chat";
    if (!path.endsWith("/messages") && !path.endsWith("/chat/completions")) {
      response.writeHead(404).end();
      return;
    }
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    const request: MockRequest = { dialect, path, headers: incoming.headers, body };
    requests.push(request);
    const queued = queue.shift() ?? enqueue(fallback(request)).queued;
    response.on("close", () => queued.close({ clientLeft: !response.writableFinished }));
    queued.arrive(request);
    await play(queued, request, response);
  }

  function enqueue(reply: MockReply): { queued: Queued; handle: MockHandle } {
    const arrived = Promise.withResolvers<MockRequest>();
    const closed = Promise.withResolvers<{ clientLeft: boolean }>();
    const waiting: (() => void)[] = [];
    const allowed: (() => void)[] = [];
    let open = false;
    const queued: Queued = {
      reply,
      arrive: arrived.resolve,
      close: closed.resolve,
      async turn() {
        const early = allowed.shift();
        if (early) return early;
        if (open) return () => undefined;
        return new Promise((resolve) => waiting.push(() => resolve(allowed.shift() ?? (() => undefined))));
      },
    };
    const handle: MockHandle = {
      arrived: arrived.promise,
      closed: closed.promise,
      next: () =>
        new Promise((resolve) => {
          allowed.push(resolve);
          waiting.shift()?.();
        }),
      release() {
        open = true;
        for (const wake of waiting.splice(0)) wake();
      },
    };
    return { queued, handle };
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the mock provider has no port");
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    anthropicUrl: origin,
    chatUrl: `${origin}/v1`,
    requests,
    reply(reply) {
      const { queued, handle } = enqueue(reply);
      queue.push(queued);
      return handle;
    },
    otherwise(make) {
      fallback = make;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** All frames of an answer in a dialect, for tests that cut after each. */
export function framesOf(answer: MockAnswer, dialect: MockRequest["dialect"], model = "mock"): MockFrame[] {
  return dialect === "anthropic" ? anthropicFrames(answer, model) : chatFrames(answer, model);
}

async function play(queued: Queued, request: MockRequest, response: ServerResponse): Promise<void> {
  const { reply } = queued;
  if ("connection" in reply) {
    if (reply.connection === "cut") response.destroy();
    return;
  }
  if ("status" in reply) {
    const isText = typeof reply.body === "string";
    const type = isText ? "text/plain" : "application/json";
    response.writeHead(reply.status, { "content-type": type, ...reply.headers });
    response.end(isText ? reply.body : JSON.stringify(reply.body ?? { error: { message: `status ${reply.status}` } }));
    return;
  }
  const frames = framesOf(reply, request.dialect, String(request.body.model));
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
  for (const [index, frame] of frames.entries()) {
    if (reply.fault !== undefined && index === (reply.after ?? 0)) break;
    const written = reply.held && frame.content ? await queued.turn() : undefined;
    if (response.destroyed) return;
    await new Promise((resolve) => response.write(frame.bytes, resolve));
    written?.();
  }
  await goWrong(reply.fault, request, response);
}

async function goWrong(
  how: "cut" | "end" | "error" | "stall" | undefined,
  request: MockRequest,
  response: ServerResponse,
): Promise<void> {
  if (how === "stall") return;
  if (how === "cut") {
    // What was written has to leave first.
    await new Promise((resolve) => setImmediate(resolve));
    response.destroy();
    return;
  }
  if (how === "error") {
    const error = { type: "overloaded_error", message: "Overloaded" };
    const frame =
      request.dialect === "anthropic"
        ? `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`
        : `data: ${JSON.stringify({ error })}\n\n`;
    response.write(frame);
  }
  response.end();
}
