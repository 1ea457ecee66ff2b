import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// A model that costs nothing: whatever it is asked, it streams 50 tokens at once in OpenAI's chat dialect.

const chunk = (choices: unknown[], more = {}): string =>
  `data: ${JSON.stringify({ id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1, model: "mock", choices, ...more })}\n\n`;
const delta = (content: string): string => chunk([{ index: 0, delta: { content }, finish_reason: null }]);

const answer = Buffer.from(
  [
    chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
    ...Array.from({ length: 50 }, (_, n) => delta(`word${n} `)),
    chunk([{ index: 0, delta: {}, finish_reason: "stop" }]),
    chunk([], { usage: { prompt_tokens: 10, completion_tokens: 50, total_tokens: 60 } }),
    "data: [DONE]\n\n",
  ].join(""),
);

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(answer);
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`http://127.0.0.1:${port}`);
});
