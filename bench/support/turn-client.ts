import { Agent, request, type IncomingMessage } from "node:http";

/** One turn as its client saw it. */
export type TurnTimes = { firstTokenMs: number; totalMs: number };

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

async function post(url: string, body: string, accept: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: "POST",
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), accept },
      },
      resolve,
    );
    outgoing.on("error", (error) => {
      // The server had closed a kept connection in the same moment.
      if (outgoing.reusedSocket && "code" in error && error.code === "ECONNRESET")
        post(url, body, accept).then(resolve, reject);
      else reject(new Error(`${url}: ${error.message}`, { cause: error }));
    });
    outgoing.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return text;
}

/** A new session; its id. */
export async function createSession(url: string, agent = "bench"): Promise<string> {
  const response = await post(`${url}/api/v1/sessions`, JSON.stringify({ agent }), "application/json");
  const text = await textOf(response);
  const found: unknown = JSON.parse(text);
  if (typeof found === "object" && found !== null && "session_id" in found) return String(found.session_id);
  throw new Error(`no session was created: ${response.statusCode} ${text}`);
}

/** A message through `POST …/stream`, read to its end. Throws when there is no `done`. */
export function turn(url: string, id: string, content = "Say fifty words."): Promise<TurnTimes> {
  return stream(`${url}/api/v1/sessions/${id}/stream`, JSON.stringify({ content }), {
    first: "event: token",
    last: "event: done",
  });
}

/** The model itself, asked what a server asks it. */
export function direct(modelUrl: string): Promise<TurnTimes> {
  const body = JSON.stringify({
    model: "mock",
    stream: true,
    messages: [{ role: "user", content: "Say fifty words." }],
  });
  return stream(`${modelUrl}/v1/chat/completions`, body, { first: "word0", last: "[DONE]" });
}

async function stream(url: string, body: string, marks: { first: string; last: string }): Promise<TurnTimes> {
  const startedAt = performance.now();
  const response = await post(url, body, "text/event-stream");
  let text = "";
  let firstTokenMs = Number.NaN;
  response.setEncoding("utf8");
  await new Promise<void>((resolve, reject) => {
    response.on("data", (chunk: string) => {
      text += chunk;
      if (Number.isNaN(firstTokenMs) && text.includes(marks.first)) firstTokenMs = performance.now() - startedAt;
    });
    response.on("end", resolve);
    response.on("error", reject);
  });
  if (!text.includes(marks.last))
    throw new Error(`${url} answered ${response.statusCode} without ${marks.last}: ${text.slice(-500)}`);
  return { firstTokenMs, totalMs: performance.now() - startedAt };
}
