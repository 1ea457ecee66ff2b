import { open, type FileHandle } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { serve, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";

// The floor: the least that a server has to do to keep the same promise. The user's event is synced before the model is
// called, the answer before `done`; each session has its own file. No validation, tools, snapshots or recovery.

const [folder = ".", modelUrl = ""] = process.argv.slice(2);
type Session = { file: FileHandle; messages: { role: string; content: string }[] };
const sessions = new Map<string, Session>();
const append = async ({ file }: Session, event: object): Promise<void> => {
  await file.write(`${JSON.stringify(event)}\n`);
  await file.datasync();
};

const app = new Hono<{ Bindings: HttpBindings }>();
app.post("/api/v1/sessions", async (c) => {
  const id = `session_${sessions.size}`;
  sessions.set(id, { file: await open(join(folder, id), "a"), messages: [] });
  return c.json({ session_id: id }, 201);
});
app.post("/api/v1/sessions/:id/stream", async (c) => {
  const session = sessions.get(c.req.param("id"));
  if (!session) return c.notFound();
  const { content } = await c.req.json<{ content: string }>();
  await append(session, { type: "user_message", content });
  session.messages.push({ role: "user", content });
  const { outgoing } = c.env;
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  const body = JSON.stringify({ model: "mock", stream: true, messages: session.messages });
  const reply = await fetch(`${modelUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  let text = "";
  let rest = "";
  for await (const bytes of reply.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + bytes).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const token: string = JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "";
      if (token === "") continue;
      text += token;
      outgoing.write(`event: token\ndata: ${JSON.stringify({ content: token })}\n\n`);
    }
  }
  await append(session, { type: "assistant_response", content: text });
  session.messages.push({ role: "assistant", content: text });
  outgoing.end(`event: done\ndata: {}\n\n`);
  return RESPONSE_ALREADY_SENT;
});
const server = serve(
  { fetch: app.fetch, port: 0, hostname: "127.0.0.1", serverOptions: { keepAliveTimeout: 65_000 } },
  ({ port }: AddressInfo) => console.log(`http://127.0.0.1:${port}`),
);
process.on("SIGTERM", () => process.exit(server.listening ? 0 : 1));
