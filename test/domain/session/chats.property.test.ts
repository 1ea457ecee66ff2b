import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { pendingCall } from "../../../src/domain/session/state.ts";
import type { MessageId } from "../../../src/schema/ids.ts";
import type { EventOf, EventType, SessionEvent } from "../../../src/schema/session-event.ts";
import { history, play } from "../../support/generated-history.ts";
import type { World } from "../../support/simulated-world.ts";

const many = { numRuns: 150 };
const few = { numRuns: 60 };

/** Histories of sessions that belong to a chat. */
const chats = history.map(([rules, plan]) => [{ ...rules, gateway: true }, plan] as const);

type Of<Type extends EventType> = Extract<SessionEvent, { type: Type }>;
const of = <Type extends EventType>({ log }: Pick<World, "log">, type: Type): Of<Type>[] =>
  log.filter((event): event is Of<Type> => event.type === type);

const messageOf = (world: World, id: MessageId): EventOf<"user_message"> | undefined =>
  of(world, "user_message").find((message) => message.message_id === id);

test("one by one a turn takes in one message, and never more wait at its start than may", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      play([rules, plan], (world) => {
        const { queue } = rules.limits;
        const started = world.log.at(-1);
        if (!queue || started?.type !== "turn_start") return;
        if (queue.mode === "sequential") assert.equal(started.message_ids.length, 1);
        const taken = started.message_ids.filter((id) => messageOf(world, id)?.source === "gateway:g");
        const waiting = world.state.waiting.filter((message) => message.source === "gateway:g");
        const interrupts = [...taken.map((id) => messageOf(world, id)), ...waiting].filter(
          (message) => message?.delivery === "interrupt",
        );
        assert.ok(taken.length + waiting.length <= queue.maxPending + interrupts.length);
      });
    }),
    many,
  );
});

test("but for the session's end only messages of the chat are dropped, and none that an answer was made from", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      const world = play([rules, plan]);
      const drops = of(world, "messages_dropped").filter(({ reason }) => reason !== "the session ends");
      for (const drop of drops)
        for (const id of drop.message_ids) assert.equal(messageOf(world, id)?.source, "gateway:g");
      for (const response of of(world, "assistant_response"))
        for (const drop of drops.filter(({ seq }) => seq > response.through_seq && seq < response.seq))
          for (const id of drop.message_ids) {
            const message = messageOf(world, id);
            assert.ok(
              message?.delivery !== "steer" || message.seq > response.through_seq,
              `${id} was shown and dropped`,
            );
          }
    }),
    many,
  );
});

test("what a full queue rejects is told to its sender once, before it is dropped, and only then", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      const world = play([rules, plan]);
      const told = of(world, "gateway_send").filter(({ request_id: id }) => id.endsWith(".rejected"));
      assert.equal(new Set(told.map((send) => send.request_id)).size, told.length);
      const drops = of(world, "messages_dropped");
      const rejected = drops.filter(({ reason }) => reason.includes("overflow reject"));
      for (const drop of rejected)
        for (const id of drop.message_ids) {
          const send = told.find(({ request_id: requestId }) => requestId.includes(id));
          assert.ok(send && send.seq < drop.seq, `${id} was dropped without a word`);
          assert.equal(send.reply_to, messageOf(world, id)?.gateway_message_id);
        }
      for (const send of told) {
        const dropped = drops.some((drop) => drop.message_ids.some((id) => send.request_id.includes(id)));
        const waits = world.state.waiting.some(({ messageId }) => send.request_id.includes(messageId));
        assert.ok(dropped || waits, "who was told is not answered all the same");
      }
    }),
    many,
  );
});

/** By turn: what of the group's talk was shown in it, at each event of the turn. */
function shownByTurn(world: World): Map<number, string[]> {
  const shown = new Map<number, string[]>();
  for (let end = 1; end <= world.log.length; end += 1) {
    const open = conversation(world.log.slice(0, end)).turns.at(-1);
    if (!open?.open) continue;
    const said = open.messages.flatMap((one) =>
      one.role === "user" ? (one.content.match(/^eve: s\d+$/gm) ?? []) : [],
    );
    const before = shown.get(open.startSeq);
    if (before) assert.deepEqual(said, before, "a turn is shown the same from its start to its end");
    shown.set(open.startSeq, said);
  }
  return shown;
}

test("what was said in the group is shown in one turn at most, the newest that are not too old, and after it only what stays", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      const world = play([rules, plan]);
      const shown = [...shownByTurn(world).values()].flat();
      assert.equal(new Set(shown).size, shown.length, "nothing is shown twice");
      const { contextBuffer } = rules.limits;
      for (const start of of(world, "turn_start")) {
        const since = of(world, "turn_start").findLast((other) => other.seq < start.seq)?.seq ?? 0;
        const said = of(world, "silent_message").filter(({ seq }) => seq > since && seq < start.seq);
        const from = start.context_from ?? Infinity;
        const told = said.filter(({ seq }) => seq >= from);
        if (!contextBuffer) assert.equal(start.context_from, undefined);
        else assert.ok(told.length <= contextBuffer.maxMessages);
        const first = told[0];
        if (first && contextBuffer)
          assert.ok(Date.parse(first.timestamp) >= Date.parse(start.timestamp) - contextBuffer.maxAgeMs);
      }
      for (const turn of conversation(world.log).turns.filter((one) => !one.open))
        for (const message of turn.messages)
          for (const event of of(world, "silent_message"))
            if (message.role === "user" && message.content.split("\n").includes(`eve: ${event.content}`))
              assert.equal(event.disposition, "passive", "what is silent is gone with its turn");
    }),
    few,
  );
});

const isPrompt = (event: SessionEvent): event is EventOf<"gateway_send"> =>
  event.type === "gateway_send" && event.kind === "approval";

test("a question in a chat is asked by a message before it, and no message asks without a question", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      const world = play([rules, plan]);
      const ids = of(world, "approval_required").map(({ approval_id: id }) => id);
      for (const [index, event] of world.log.entries()) {
        const before = world.log[index - 1];
        if (event.type === "approval_required")
          assert.ok(before && isPrompt(before) && before.request_id.endsWith(event.approval_id));
        if (isPrompt(event)) assert.ok(event.chat_id === "c" && event.channel === undefined && event.inline_keyboard);
      }
      const alone = world.log.filter((event) => isPrompt(event) && !ids.some((id) => event.request_id.endsWith(id)));
      assert.ok(alone.length <= world.epoch - 1, "only a write that was cut leaves a message without its question");
    }),
    many,
  );
});

test("each question of a chat that is closed is edited once, after it was asked, and none that waits is", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      const world = play([rules, plan]);
      const edits = of(world, "gateway_send").filter(({ kind }) => kind === "edit");
      assert.equal(new Set(edits.map((edit) => edit.edits)).size, edits.length);
      for (const edit of edits) {
        const prompt = world.log.find((event) => isPrompt(event) && event.request_id === edit.edits);
        assert.ok(prompt && prompt.seq < edit.seq, "an edit is of a message that was sent");
        assert.equal(edit.inline_keyboard, undefined);
      }
      const waits = pendingCall(world.state)?.question.promptId;
      const unsent = world.state.unsent.map((one) => one.edits);
      for (const question of of(world, "approval_required")) {
        const promptId = `${world.state.sessionId}.${question.approval_id}`;
        const edited = edits.some((edit) => edit.edits === promptId) || unsent.includes(promptId);
        assert.equal(edited, promptId !== waits, `${promptId} was ${edited ? "" : "not "}edited`);
      }
    }),
    many,
  );
});

test("in a group the first thing that a turn says refers to what it answers, and each goes to its thread", () => {
  fc.assert(
    fc.property(chats, ([rules, plan]) => {
      const world = play([rules, plan]);
      const replied = new Set<string>();
      for (const send of of(world, "gateway_send")) {
        if (send.kind !== "text" && send.kind !== "notice") continue;
        if (send.request_id.endsWith(".rejected") || send.turn_id === undefined) continue;
        const answered = of(world, "user_message").find((message) => message.gateway_message_id === send.reply_to);
        if (send.request_id.endsWith(".waits")) {
          // It refers to what came after the question, and is none of what the turn says.
          const asked = of(world, "gateway_send").find((one) => `${one.request_id}.waits` === send.request_id);
          assert.ok(asked && answered && answered.seq > asked.seq && answered.seq < send.seq);
          assert.equal(send.thread_id, answered.thread_id);
          continue;
        }
        if (rules.chatType === "dm" || replied.has(send.turn_id)) assert.equal(send.reply_to, undefined);
        if (send.reply_to !== undefined) assert.equal(send.thread_id, answered?.thread_id);
        replied.add(send.turn_id);
      }
    }),
    many,
  );
});
