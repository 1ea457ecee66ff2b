import assert from "node:assert/strict";
import { test } from "node:test";

import type { ChatIndex, SeenMessage } from "../../src/ports/chat-index.ts";
import { sessionIdSchema, type SessionId } from "../../src/schema/ids.ts";
import type { ManualClock } from "../support/manual-clock.ts";

/** Opens an index on what an earlier call has left behind: a restart of the process. */
export type ChatIndexFactory = { clock: ManualClock; open(): Promise<ChatIndex> };

export const chat = { gateway: "telegram", chatId: "-100" };
export const idOf = (number: number): SessionId =>
  sessionIdSchema.parse(`session_01J${String(number).padStart(23, "0")}`);
const dayMs = 24 * 3_600_000;

export const seen = (clock: ManualClock, key: string, more: Partial<SeenMessage> = {}): SeenMessage => ({
  key,
  chat,
  atMs: clock.now(),
  ...more,
});

/** What every index of chats promises. */
export function testChatIndex(name: string, factory: () => ChatIndexFactory | Promise<ChatIndexFactory>): void {
  const given = async (): Promise<ChatIndexFactory & { index: ChatIndex }> => {
    const made = await factory();
    return { ...made, index: await made.open() };
  };

  test(`${name}: what was noted is known, also after a restart; nothing else is`, async () => {
    const { clock, index, open } = await given();
    assert.equal(index.has(chat, "a"), false);
    await index.note([seen(clock, "a"), seen(clock, "b", { dropped: "blocked" })]);
    await index.close();
    for (const one of [index, await open()]) {
      assert.deepEqual(
        ["a", "b", "c"].map((key) => one.has(chat, key)),
        [true, true, false],
      );
    }
  });

  test(`${name}: a key of one chat says nothing about another chat or gateway`, async () => {
    const { clock, index, open } = await given();
    await index.note([seen(clock, "a")]);
    await index.close();
    for (const one of [index, await open()]) {
      assert.equal(one.has({ ...chat, chatId: "-1" }, "a"), false);
      assert.equal(one.has({ ...chat, gateway: "slack" }, "a"), false);
    }
  });

  test(`${name}: it knows up to which event of a session it has read`, async () => {
    const { clock, index, open } = await given();
    const [one, other] = [idOf(1), idOf(2)];
    assert.equal(index.through(one), 0);
    await index.note([
      seen(clock, "a", { event: { sessionId: one, seq: 2 } }),
      seen(clock, "b", { event: { sessionId: one, seq: 7 } }),
      seen(clock, "c", { event: { sessionId: other, seq: 3 } }),
      seen(clock, "d"),
    ]);
    await index.note([seen(clock, "a", { event: { sessionId: one, seq: 2 } })]);
    await index.close();
    for (const at of [index, await open()]) assert.deepEqual([at.through(one), at.through(other)], [7, 3]);
  });

  test(`${name}: a week later it is forgotten`, async () => {
    const { clock, index, open } = await given();
    await index.note([seen(clock, "old")]);
    clock.advance(6 * dayMs);
    await index.note([seen(clock, "new")]);
    assert.equal(index.has(chat, "old"), true);
    clock.advance(2 * dayMs);
    await index.close();
    for (const one of [index, await open()])
      assert.deepEqual([one.has(chat, "old"), one.has(chat, "new")], [false, true]);
  });

  test(`${name}: any text is a chat's id or a key`, async () => {
    const { clock, index, open } = await given();
    const odd = { gateway: "telegram", chatId: '../"\n\u2028é\0' };
    await index.note([seen(clock, 'k\n"é', { chat: odd })]);
    await index.close();
    assert.equal((await open()).has(odd, 'k\n"é'), true);
  });

  test(`${name}: noting and syncing nothing, and for a gateway that never said anything, is fine`, async () => {
    const { index } = await given();
    await index.note([]);
    await index.sync("never");
    await index.close();
  });
}
