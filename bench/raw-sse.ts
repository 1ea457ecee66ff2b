import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

// The limit of a fan-out: node:http writes frames to everyone who follows, and nothing else. `POST /N` sends N frames.

const frame = Buffer.from(
  `id: 1\nevent: assistant_response\ndata: ${JSON.stringify({ content: "x".repeat(260) })}\n\n`,
);
const followers = new Set<ServerResponse>();

const server = createServer({ noDelay: true }, (request, response) => {
  if (request.method === "POST") {
    send(Number(request.url?.slice(1))).then(
      () => response.end(),
      (error: unknown) => response.destroy(error as Error),
    );
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("event: ready\ndata: {}\n\n");
  followers.add(response);
  response.on("close", () => followers.delete(response));
});

async function send(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    for (const follower of followers) follower.write(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
