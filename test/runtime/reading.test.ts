import assert from "node:assert/strict";
import { test } from "node:test";

import type { Cursor, SessionReader, StreamFrame } from "../../src/runtime/runtime.ts";
import { ModelFailure } from "../../src/ports/model.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";

const message = { source: "http", mayDecide: true };

/** Reads until `enough`; fails after 5 s. */
async function readUntil(reader: SessionReader, enough: (frames: StreamFrame[]) => boolean): Promise<StreamFrame[]> {
  const signal = AbortSignal.timeout(5_000);
  const frames: StreamFrame[] = [];
  for (;;) {
    frames.push(...(await reader.take(1 << 20)));
    if (enough(frames)) return frames;
    if (signal.aborted) throw new Error(`only got ${frames.map(nameOf).join(", ")}`);
    await reader.wait(signal);
  }
}
const nameOf = (frame: StreamFrame): string => (frame.kind === "durable" ? frame.event.type : frame.name);
const textOf = (frames: StreamFrame[]): string => {
  let text = "";
  for (const frame of frames) {
    if (frame.kind !== "live") continue;
    if (frame.name === "token_reset") text = "";
    if (frame.name === "token") text = text.slice(0, Number(frame.data["offset"])) + String(frame.data["content"]);
  }
  return text;
};
const has = (type: string) => (frames: StreamFrame[]) => frames.some((frame) => nameOf(frame) === type);

test("tokens come as they are said, after every durable event before them", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const reader = await running.sessions.reader(id, { seq: 0 });
  const hold = gate();
  running.model.reply({ text: ["Hel", "lo"], hold: hold.opened });
  await running.sessions.send(id, { content: "hi", ...message });
  const before = await readUntil(reader, (frames) => textOf(frames) === "Hello");
  assert.ok(before.map(nameOf).indexOf("token") > before.map(nameOf).indexOf("turn_start"));
  hold.open();
  const after = await readUntil(reader, has("turn_end"));
  assert.deepEqual(
    after.filter((frame) => frame.kind === "live" && frame.name === "token"),
    [],
  );
  reader.close();
});

test("a reader that resumes in the middle of the text gets the rest of it, once", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const hold = gate();
  running.model.reply({ text: ["Hel", "lo"], hold: hold.opened });
  await running.sessions.send(id, { content: "hi", ...message });
  const first = await running.sessions.reader(id, { seq: 0 });
  const seen = await readUntil(first, (frames) => textOf(frames) === "Hello");
  first.close();
  const token = seen.find((frame) => frame.kind === "live" && frame.name === "token");
  const [seq, , call] = (token?.kind === "live" ? (token.id ?? "") : "").split(".");
  for (let offset = 0; offset <= 5; offset += 1) {
    const from: Cursor = { seq: Number(seq), offset, call: call ?? "" };
    const again = await running.sessions.reader(id, from);
    const rest = (await again.take(1 << 20)).filter((frame) => frame.kind === "live" && frame.name !== "activity");
    const content = rest.map((frame) => (frame.kind === "live" ? frame.data["content"] : "")).join("");
    assert.equal(content, "Hello".slice(offset));
    again.close();
  }
  const other = await running.sessions.reader(id, { seq: Number(seq), offset: 2, call: "OTHERONE" });
  const frames = (await other.take(1 << 20)).filter((frame) => frame.kind === "live");
  assert.deepEqual(frames.map(nameOf), ["token_reset", "token"]);
  hold.open();
  await eventually(running, id, (event) => event.type === "turn_end");
  const late = await running.sessions.reader(id, { seq: Number(seq), offset: 2, call: call ?? "" });
  assert.deepEqual((await late.take(1 << 20)).map(nameOf), ["assistant_response", "turn_end"]);
});

test("a retry takes back what was shown of the try before it", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const reader = await running.sessions.reader(id, { seq: 0 });
  const hold = gate();
  running.model.reply({ text: ["wrong"], hold: hold.opened, fail: new ModelFailure("cut", { retryable: true }) });
  running.model.reply({ text: ["right"] });
  await running.sessions.send(id, { content: "hi", ...message });
  const before = await readUntil(reader, (frames) => textOf(frames) === "wrong");
  hold.open();
  const after = await readUntil(reader, has("turn_end"));
  assert.ok(has("token_reset")(after));
  assert.ok(["", "right"].includes(textOf([...before, ...after])));
});

test("cuts anywhere and resumes concatenate to the log", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  for (const content of ["a", "b", "c"]) {
    const sent = await running.sessions.send(id, { content, ...message });
    await running.sessions.answer(id, sent.messageId, { timeoutMs: 5_000, signal: new AbortController().signal });
  }
  const log = await eventsOf(running, id);
  for (let cut = 0; cut <= log.length; cut += 1) {
    const reader = await running.sessions.reader(id, { seq: cut });
    const frames = await reader.take(1 << 20);
    assert.deepEqual(
      frames.flatMap((frame) => (frame.kind === "durable" ? [frame.event.seq] : [])),
      log.slice(cut).map((event) => event.seq),
    );
    reader.close();
  }
  await assert.rejects(running.sessions.reader(id, { seq: log.length + 1 }), { code: "bad-request" });
});
