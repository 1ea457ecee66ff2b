import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { Sessions } from "../../../gateways/discord/src/sessions.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const session = { shardId: 0, shardCount: 1, sessionId: "abc", resumeURL: "wss://gateway.discord.test", sequence: 7 };
const quiet = (): void => undefined;

test("goes on where it stood, but not behind what the core does not have", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await Sessions.open("42", folder, quiet);
  first.update(0, session);
  const settle = first.begin(0, 8);
  first.begin(0, 9)();
  first.update(0, { ...session, sequence: 9 });
  await first.close();
  const second = await Sessions.open("42", folder, quiet);
  assert.deepEqual(second.retrieve(0), { ...session, sequence: 7 });
  assert.equal(first.retrieve(0)?.sequence, 9);
  settle();
  await first.close();
  assert.equal((await Sessions.open("42", folder, quiet)).retrieve(0)?.sequence, 9);
});

test("does not mix up what is left of an earlier session with a new one", async (t) => {
  const folder = await temporaryFolder(t);
  const sessions = await Sessions.open("42", folder, quiet);
  sessions.update(0, session);
  sessions.begin(0, 2);
  sessions.update(0, { ...session, sessionId: "new", sequence: 5 });
  await sessions.close();
  assert.equal((await Sessions.open("42", folder, quiet)).retrieve(0)?.sequence, 5);
});

test("begins anew with the place of another bot, or with one that can not be read", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "session.json");
  const stored = { botId: "42", sessions: [session] };
  const broken = [
    "",
    JSON.stringify(stored).slice(0, 40),
    "null",
    JSON.stringify({ ...stored, botId: "43" }),
    JSON.stringify({ ...stored, sessions: [{ ...session, sequence: "7" }] }),
    JSON.stringify({ ...stored, sessions: [null] }),
  ];
  for (const text of broken) {
    await writeFile(path, text);
    assert.equal((await Sessions.open("42", folder, quiet)).retrieve(0), null);
  }
  await writeFile(path, JSON.stringify(stored));
  assert.deepEqual((await Sessions.open("42", folder, quiet)).retrieve(0), session);
});

test("forgets a session that Discord ended, not one whose connection was only cut", async (t) => {
  const folder = await temporaryFolder(t);
  const sessions = await Sessions.open("42", folder, quiet);
  sessions.update(0, session);
  sessions.closed(0, 1006);
  sessions.update(0, null);
  assert.deepEqual(sessions.retrieve(0), session);
  sessions.opened(0);
  sessions.update(0, null);
  assert.equal(sessions.retrieve(0), null);
  await sessions.close();
  assert.deepEqual(JSON.parse(await readFile(join(folder, "session.json"), "utf8")).sessions, []);
});
