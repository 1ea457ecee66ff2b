import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { test } from "node:test";

import { ask } from "../support/http-harness.ts";
import { scriptedAgent, ServerProcess } from "../support/server-process.ts";
import { CuttingClient } from "../support/cutting-client.ts";
import { seededRandom } from "./kill-loop/world.ts";

const clients = 200;
const cutsEach = 5;

test("200 clients cut at random bytes five times and resumed have the log and the text, each once and in order", async (t) => {
  const seed = Number(process.env["DURAGENT_TEST_SEED"] ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const say = Array.from({ length: 150 }, (_, index) => `Wort${index} 🌍`).join(" ");
  const server = await ServerProcess.start(t, { files: scriptedAgent("echo", { say, perTokenMs: 4 }) });
  const sessionId = await newSession(server);
  const path = `/api/v1/sessions/${sessionId}`;
  const all = Array.from({ length: clients }, () => new CuttingClient(`${path}/events`, { cuts: cutsEach, random }));
  const followed = all.map((client) => client.follow(server.place, (event) => event.type === "turn_end"));
  const answered = await ask(server.place, { path: `${path}/messages`, json: { content: "tell" } });
  assert.equal(answered.json.content, say);
  await Promise.all(followed);

  const { json } = await ask(server.place, { path: `${path}/events`, headers: { accept: "application/json" } });
  for (const client of all) {
    assert.deepEqual(client.durable, json.events.slice(0, client.durable.length), `seed ${seed}`);
    assert.deepEqual(client.problems, [], `seed ${seed}`);
  }
  const cuts = all.reduce((sum, client) => sum + client.cutsMade, 0);
  assert.ok(cuts > clients * 3, `only ${cuts} connections were cut`);
});

test("clients that stop reading cost the server no memory to speak of, and others nothing", async (t) => {
  // One word, so one token: the log grows fast. Kernel buffers hold a few megabytes of a connection, not all of this.
  const server = await ServerProcess.start(t, { files: scriptedAgent("echo", { say: "x".repeat(200_000) }) });
  const sessionId = await newSession(server);
  const path = `/api/v1/sessions/${sessionId}`;
  const message = { path: `${path}/messages`, json: { content: "tell" } };
  const answers = 100;
  for (let count = 0; count < answers; count += 1) assert.equal((await ask(server.place, message)).status, 200);
  const followAll = async (wanted: number): Promise<void> => {
    const reader = new CuttingClient(`${path}/events`, { cuts: 1, random: seededRandom(1) });
    await reader.follow(
      server.place,
      (_, durable) => durable.filter(({ type }) => type === "turn_end").length === wanted,
    );
    assert.deepEqual(reader.problems, []);
  };
  await followAll(answers);
  const before = await residentBytes(server.life.pid);

  const deaf = await Promise.all(Array.from({ length: 30 }, () => deafClient(server.place, `${path}/events`)));
  t.after(() => deaf.forEach((socket) => socket.destroy()));
  assert.equal((await ask(server.place, message)).status, 200);
  await followAll(answers + 1);
  const grown = (await residentBytes(server.life.pid)) - before;
  t.diagnostic(`it grew by ${Math.round(grown / 1048576)} MiB`);
  // What they have not read is 30 times 20 MB.
  assert.ok(grown < 128 * 1024 * 1024, `it grew by ${grown} bytes`);
});

async function newSession(server: ServerProcess): Promise<string> {
  const { json } = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "echo" } });
  return String(json.session_id);
}

/** Asks for a stream and never reads a byte of it. */
async function deafClient({ port }: { port: number }, path: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.pause();
  // The server may give up on it: that is its good right.
  socket.on("error", () => socket.destroy());
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`;
  await new Promise<void>((resolve) => socket.write(head, () => resolve()));
  return socket;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
