import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";

import { ask } from "../../support/http-harness.ts";
import { openBotApi, telegramPlatform } from "../../support/platforms/telegram/open.ts";
import { until } from "../../support/until.ts";
import { ChatServer, newest } from "./chat-server.ts";

it("a file sent over Telegram becomes an artifact, and its address, which holds the bot's token, is kept nowhere", async (t) => {
  const api = await openBotApi(t);
  const server = await ChatServer.start(t, [telegramPlatform(api)]);
  const chat = api.world.dm("42");
  const document = { file_unique_id: "u", mime_type: "text/plain" };
  api.files.set("files/notes", Buffer.from("what I wrote"));
  for (const [file_id, file_name] of [
    ["notes", "notes.txt"],
    ["gone", "gone.txt"],
  ]) {
    api.world.said(chat, "42", {
      document: { ...document, file_id, file_name, file_size: 12 },
      caption: `about ${file_id}`,
    });
    await until(`an answer about ${file_id}`, () =>
      chat.messages.some(({ isBots, text }) => isBots && text.includes(`about ${file_id}`)),
    );
  }
  const [kept] = server.asked("about notes");
  assert.match(kept ? newest(kept) : "", /notes\.txt.*artifact \S+\.txt/);
  const { json } = await ask(server.server.place, { path: "/api/v1/agents/quick/artifacts" });
  assert.equal(json.artifacts.length, 1, JSON.stringify(json));
  const [missing] = server.asked("about gone");
  assert.match(missing ? newest(missing) : "", /not available/);

  await server.server.stop();
  const { token } = api.world.bot;
  assert.equal(server.server.output.includes(token), false, "it is in the output");
  for (const entry of await readdir(server.server.dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    assert.equal((await readFile(path, "latin1")).includes(token), false, `it is in ${path}`);
  }
});
