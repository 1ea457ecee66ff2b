import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { ApiProblem } from "../../src/client/api-problem.ts";
import { createClient, type FollowEvent } from "../../src/client/client.ts";
import { ServerUnreachable } from "../../src/client/transport.ts";
import { gate } from "../support/fake-model.ts";
import { startHttp } from "../support/http-harness.ts";
import { eventsOf, newSession } from "../support/runtime-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("over TCP, over a unix socket and over fetch the client says and hears the same", async (t) => {
  const socketPath = join(await temporaryFolder(t), "server.sock");
  const http = await startHttp(t, { socketPath, access: { apiToken: "token-1", adminToken: "token-2" } });
  const clients = [
    createClient({ socketPath }),
    createClient({ baseUrl: http.url, token: "token-1" }),
    createClient({ baseUrl: `${http.url}/`, token: "token-1", fetch }),
  ];
  for (const client of clients) {
    const { session_id: id } = await client.createSession({ agent: "tester", labels: { a: "b" } });
    const outcome = await client.sendMessage(id, { content: "hé" });
    assert.equal(outcome.kind === "answered" && outcome.content, "echo: hé");
    const turn = await Array.fromAsync(client.stream(id, { content: "again" }));
    assert.deepEqual([turn[0]?.event, turn.at(-1)?.event], ["start", "done"]);
    assert.equal(turn.map((event) => (event.event === "token" ? event.content : "")).join(""), "echo: again");
    assert.equal((await client.listMessages(id)).messages.length, 4);
    assert.equal((await client.listSessions({ labels: { a: "b" }, limit: 1 })).sessions[0]?.session_id, id);
    assert.equal((await client.listEvents(id, { after: 1, limit: 1 })).events[0]?.seq, 2);
    assert.match(
      Buffer.concat(await Array.fromAsync(await client.exportSession(id, "markdown"))).toString(),
      /^# hé\n/,
    );
    await client.deleteSession(id);
    await assert.rejects(
      client.getSession(id),
      (error) => error instanceof ApiProblem && error.code === "session-ended" && error.status === 410,
    );
  }
});

test("a refusal is an ApiProblem with all that the server said", async (t) => {
  const http = await startHttp(t, { access: { apiToken: "token-1" } });
  await assert.rejects(createClient({ baseUrl: http.url }).listSessions(), {
    name: "ApiProblem",
    code: "unauthorized",
    status: 401,
  });
  const client = createClient({ baseUrl: http.url, token: "token-1" });
  await assert.rejects(client.createSession({ agent: "tester", labels: { "a b": "" } }), (error) => {
    assert.ok(error instanceof ApiProblem);
    assert.deepEqual(
      error.facts.errors?.map(({ path }) => path),
      ["labels.a b", "labels.a b"].slice(0, error.facts.errors?.length),
    );
    return error.code === "bad-request";
  });
});

test("nobody there is ServerUnreachable, and says where", async (t) => {
  const socketPath = join(await temporaryFolder(t), "none.sock");
  await assert.rejects(
    createClient({ socketPath }).version(),
    (error) => error instanceof ServerUnreachable && error.message.includes(socketPath),
  );
});

test("letting go of a stream in the moment in which its session ends is no error", async (t) => {
  const http = await startHttp(t);
  for (const client of [createClient({ baseUrl: http.url }), createClient({ baseUrl: http.url, fetch })]) {
    const { session_id: id } = await client.createSession({ agent: "tester" });
    const stop = new AbortController();
    for await (const item of client.follow(id, { signal: stop.signal })) {
      if (item.kind === "ready") await client.endSession(id);
      if (item.kind === "event" && item.event.type === "session_end") stop.abort();
    }
    assert.ok(stop.signal.aborted);
    const gone = new AbortController();
    gone.abort(new Error("no longer wanted"));
    await assert.rejects(client.ready({ signal: gone.signal }), /no longer wanted/);
  }
});

test("following goes on over a connection that is lost, once each and in order", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const hold = gate();
  http.model.reply({ text: ["one ", "two ", "three"], hold: hold.opened });
  const stop = new AbortController();
  const client = createClient({ baseUrl: http.url, fetch: cutting(60) });
  const got: FollowEvent[] = [];
  let lost = 0;
  const follow = (async () => {
    for await (const event of client.follow(id, { signal: stop.signal, onLost: () => (lost += 1) })) {
      got.push(event);
      if (event.kind === "token" && event.data.content.includes("three")) hold.open();
      if (event.kind === "event" && event.event.type === "turn_end") stop.abort();
    }
  })();
  await http.sessions.send(id, { content: "hi", source: "http", mayDecide: true, unattended: true });
  await follow;
  assert.ok(lost > 0);
  const events = got.flatMap((one) => (one.kind === "event" ? [one.event] : []));
  const logged = await eventsOf(http, id);
  assert.deepEqual(events, logged.slice(0, events.length));
  assert.equal(events.at(-1)?.type, "turn_end");
});

test("following ends by itself with the session, and throws where waiting does not help", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const client = createClient({ baseUrl: http.url });
  const followed = Array.fromAsync(client.follow(id));
  await client.endSession(id);
  const last = (await followed).at(-1);
  assert.equal(last?.kind === "event" && last.event.type, "session_end");
  assert.deepEqual(await Array.fromAsync(client.follow(id, { after: "now" })), []);
  await client.deleteSession(id);
  await assert.rejects(Array.fromAsync(client.follow(id)), { code: "session-ended" });
});

/** A fetch whose connections break after more and more bytes. */
function cutting(step: number): typeof fetch {
  let bytesMax = step;
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.headers.get("content-type") !== "text/event-stream" || !response.body) return response;
    let left = (bytesMax += step * 4);
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) controller.error(new TypeError("cut"));
        },
      }),
    );
    return new Response(body, { status: response.status, headers: response.headers });
  };
}
