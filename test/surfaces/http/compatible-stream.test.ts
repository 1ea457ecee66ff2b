import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelFailure } from "../../../src/ports/model.ts";
import { gate } from "../../support/fake-model.ts";
import { ask, openStream, startHttp } from "../../support/http-harness.ts";
import { eventsOf, newSession } from "../../support/runtime-harness.ts";

const usage = '{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}';

test("a turn is start, tokens and done, with nothing else in the stream", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  http.model.reply({ text: ["Hel", "lo"] });
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  const text = await stream.ended();
  assert.equal(stream.status, 200);
  assert.equal(stream.headers["content-type"], "text/event-stream");
  const response = (await eventsOf(http, id)).find((event) => event.type === "assistant_response");
  const tokens = [...text.matchAll(/event: token\ndata: (.*)\n\n/g)]
    .map((match) => JSON.parse(match[1]!).content)
    .join("");
  assert.equal(tokens, "Hello");
  assert.equal(
    text.replace(/(event: token\ndata: .*\n\n)+/, "<tokens>"),
    `event: start\ndata: {}\n\n<tokens>event: done\ndata: {"message_id":"${response?.message_id}","usage":${usage},"finish_reason":"end"}\n\n`,
  );
});

test("what is not ASCII is escaped, so that no packet can split a character", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  http.model.reply({ text: ["é☃😀"] });
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  assert.match(await stream.ended(), /event: token\ndata: \{"content":"\\u00e9\\u2603\\ud83d\\ude00"\}\n\n/);
});

test("the client counts as attached while the stream is open and not longer", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const hold = gate();
  http.model.reply({ text: ["a"], hold: hold.opened });
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  await stream.until("event: token");
  assert.equal((await http.sessions.get(id)).attachedClients, 1);
  hold.open();
  await stream.ended();
  while ((await http.sessions.get(id)).attachedClients > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("a turn that fails is an error with the provider's words", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  http.model.reply({ fail: new ModelFailure("no such model", { status: 404, retryable: false }) });
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  assert.match(
    await stream.ended(),
    /^event: start\ndata: \{\}\n\nevent: error\ndata: \{"message":".*no such model.*"\}\n\n$/,
  );
});

test("a cancelled turn says so", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  http.model.reply({ text: ["a"], hold: gate().opened });
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  await stream.until("event: token");
  const told = await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/cancel` });
  assert.equal(told.status, 202);
  assert.match(await stream.ended(), /event: cancelled\ndata: \{\}\n\n$/);
});

test("a pause that is asked for ends the stream, and the turn is not lost", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const hold = gate();
  http.model.reply({ calls: [{ call_id: "c1", tool_name: "none", arguments: {} }], text: ["a"], hold: hold.opened });
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream`, json: { content: "hi" } });
  await stream.until("event: token");
  const paused = await ask(http, { method: "POST", path: `/api/v1/sessions/${id}/pause` });
  assert.equal(paused.status, 200);
  hold.open();
  assert.match(await stream.ended(), /event: error\ndata: \{"message":"paused"\}\n\n$/);
});

test("with events=full the stream has the names and ids of the resumable one", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const stream = await openStream(http, { path: `/api/v1/sessions/${id}/stream?events=full`, json: { content: "hi" } });
  const text = await stream.ended();
  assert.match(text, /^id: 2\nevent: user_message\n/);
  assert.match(text, /id: \d+\nevent: turn_end\n/);
  assert.doesNotMatch(text, /event: (start|done)\n/);
});

test("a repeated request with the same key gives the same answer and has no second effect", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const question = {
    path: `/api/v1/sessions/${id}/stream`,
    json: { content: "hi" },
    headers: { "idempotency-key": "k1" },
  };
  const first = await (await openStream(http, question)).ended();
  const again = await (await openStream(http, question)).ended();
  const done = (text: string) => /event: done\n.*\n/.exec(text)?.[0];
  assert.equal(done(again), done(first));
  assert.match(again, /event: token\ndata: \{"content":"echo: hi"\}/);
  assert.equal((await eventsOf(http, id)).filter((event) => event.type === "user_message").length, 1);
});
