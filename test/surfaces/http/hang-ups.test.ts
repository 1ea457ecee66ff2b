import assert from "node:assert/strict";
import { IncomingMessage, ServerResponse } from "node:http";
import { connect, Socket } from "node:net";
import { test } from "node:test";

import type { SessionId } from "../../../src/schema/ids.ts";
import { OpenStreams } from "../../../src/surfaces/http/stream/open-streams.ts";

import { newSession } from "../../support/runtime-harness.ts";
import { ask, startHttp } from "../../support/http-harness.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const waysIn = [
  ["POST", "/messages", '{"content":"hi"}'],
  ["POST", "/stream", '{"content":"hi"}'],
  ["POST", "/stream?events=full", '{"content":"hi","delivery":"queue"}'],
  ["GET", "/events", ""],
  ["GET", "/events?follow=false", ""],
  ["POST", "/approve", '{"call_id":"c","decision":"deny"}'],
  ["POST", "/pause", ""],
  ["POST", "/resume", ""],
  ["POST", "/cancel", ""],
  ["POST", "/fork", ""],
  ["GET", "/messages", ""],
  ["GET", "/export", ""],
] as const;

/** Writes one request, all of it or its first `bytes`, and cuts the connection once `turns` of the event loop have passed. */
function hangUp(port: number, request: string, { bytes, turns }: { bytes: number; turns: number }): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(request.slice(0, bytes));
      let left = turns;
      const cut = (): void => {
        if (left-- > 0) return void setImmediate(cut);
        socket.destroy();
      };
      cut();
    });
    socket.on("error", () => {});
    socket.resume();
    socket.on("close", () => resolve());
  });
}

test("clients that hang up at any moment of any request leave nothing behind", async (t) => {
  const server = await startHttp(t);
  const id = await newSession(server, "continue");
  for (let turns = 0; turns < 24; turns += 1) {
    await Promise.all(
      waysIn.map(([method, path, body]) => {
        const head = `${method} /api/v1/sessions/${id}${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n`;
        const content = body === "" ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
        const request = `${head}${content}\r\n${body}`;
        return hangUp(server.port, request, { bytes: turns % 7 === 6 ? request.length - 3 : request.length, turns });
      }),
    );
  }
  await ask(server, { method: "POST", path: `/api/v1/sessions/${id}/resume` });
  const last = await ask(server, { path: `/api/v1/sessions/${id}/messages`, json: { content: "are you there?" } });
  assert.equal(last.status, 200, last.text);
  const quiet = async (): Promise<boolean> =>
    server.sessions.isQuiet() &&
    (await server.sessions.get(id)).attachedClients === 0 &&
    server.listener.openRequests() === 0;
  await until("nobody attached and no request open", quiet);
  assert.deepEqual(
    server.log.filter((line) => line.level === "error"),
    [],
  );
});

test("a session that is deleted under its clients answers each of them, and leaves nothing behind", async (t) => {
  const server = await startHttp(t);
  for (let round = 0; round < 5; round += 1) {
    const id = await newSession(server, "continue");
    server.model.reply({ text: ["half"], hold: new Promise(() => {}) });
    const holding = server.model.holding();
    const waiting = ask(server, { path: `/api/v1/sessions/${id}/messages`, json: { content: "hi" } });
    await holding;
    const accept = { accept: "text/event-stream" };
    const followed = ask(server, { path: `/api/v1/sessions/${id}/events`, headers: accept });
    const streamed = ask(server, { path: `/api/v1/sessions/${id}/stream`, json: { content: "ho" } });
    const detached = ask(server, { path: `/api/v1/sessions/${id}/attach`, json: { ttl_seconds: 5 } });
    assert.equal((await detached).status, 200);
    const [one, two] = await Promise.all([
      ask(server, { method: "DELETE", path: `/api/v1/sessions/${id}` }),
      ask(server, { method: "DELETE", path: `/api/v1/sessions/${id}` }),
    ]);
    assert.deepEqual(new Set([one.status, two.status]).has(204), true);
    assert.match((await followed).text, /event: session_end/);
    assert.match((await streamed).text, /event: (error|cancelled)/);
    assert.ok([200, 410].includes((await waiting).status), (await waiting).text);
    assert.equal((await ask(server, { path: `/api/v1/sessions/${id}` })).status, 410);
  }
  await until("quiet", () => server.sessions.isQuiet());
  assert.deepEqual(
    server.log.filter((line) => line.level === "error"),
    [],
  );
});

test("a client that has hung up before its stream begins is gone at once, and takes no place", () => {
  const streams = new OpenStreams({
    streams: 1,
    streamsPerSession: 1,
    keepAliveMs: 15_000,
    clock: createVirtualClock(),
  });
  for (let times = 0; times < 3; times += 1) {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    response.destroy();
    const stream = streams.start("session_1" as SessionId, response);
    assert.equal(stream.signal.aborted, true);
    assert.equal(streams.size, 0);
  }
});
