import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";

import type { ServerApi } from "../../../src/surfaces/cli/server/api.ts";
import { sessionFacts } from "../../../src/surfaces/cli/output/session-facts.ts";
import { writeSessions } from "../../../src/surfaces/cli/output/session-table.ts";

type Shown = Awaited<ReturnType<ServerApi["session"]>>;

const own: Shown = {
  session_id: "session_1",
  agent: "demo",
  status: "active",
  activity: "idle",
  created_at: "2026-11-21T00:00:00.000Z",
  updated_at: "2026-11-21T00:00:00.000Z",
  last_seq: 1,
  title: "hello",
  usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
};
const ofChat: Shown = {
  ...own,
  session_id: "session_2",
  gateway: { name: "telegram", chat_id: "-100\u001b[2J", chat_type: "group" },
};

function listed(sessions: readonly Shown[]): string[][] {
  const stdout = new PassThrough();
  writeSessions({ stdout, env: {} }, sessions);
  return String(stdout.read())
    .trim()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
}

test("a chat's session shows its chat among its facts, an own one none", () => {
  assert.match(sessionFacts(ofChat), /^chat +telegram -100\S*\[2J \(group\)$/m);
  assert.doesNotMatch(sessionFacts(ofChat), /\u001b|[{}]/);
  assert.doesNotMatch(sessionFacts(own), /^chat/m);
});

test("a list has a column of chats where one of its sessions belongs to one", () => {
  const [heading, first, second] = listed([ofChat, own]);
  assert.deepEqual(heading, ["SESSION", "AGENT", "STATUS", "USED", "CHAT", "TITLE"]);
  assert.match(first?.[4] ?? "", /^telegram:-100/);
  assert.equal(second?.at(-1), "hello");
  assert.deepEqual(listed([own])[0], ["SESSION", "AGENT", "STATUS", "USED", "TITLE"]);
});
