// Appends messages to one session and says on stdout what was acknowledged, so that another process can make its system
// calls fail. After a failure it reads, tries again, opens the session anew, and goes on.
// node append-messages.ts FOLDER SESSION_ID
import { writeSync } from "node:fs";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../../../src/adapters/stores/sessions/files/store.ts";
import { messageIdSchema, sessionIdSchema } from "../../../src/schema/ids.ts";
import { DuragentError } from "../../../src/schema/problem.ts";

const messages = 6;
const [folder = "", sessionName] = process.argv.slice(2);
const id = sessionIdSchema.parse(sessionName);
const clock = createSystemClock();

/** One line of JSON at once: what was said before a SIGKILL has been said. */
function say(line: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const codeOf = (error: unknown): string => (error instanceof DuragentError ? error.code : String(error));
const timestamp = (): string => new Date(clock.now()).toISOString();

async function append(store: FileSessionStore, content: string): Promise<boolean> {
  const message_id = messageIdSchema.parse(`msg_${clock.ulid()}`);
  const draft = { timestamp: timestamp(), type: "user_message", message_id, content, source: "http" } as const;
  const appended = await store.append(id, clock.ulid(), [{ ...draft, delivery: "steer" }], {});
  if (appended.kind !== "appended") {
    say({ refused: content, code: appended.kind === "unavailable" ? codeOf(appended.error) : appended.kind });
    return false;
  }
  try {
    await appended.durable;
  } catch (error) {
    say({ failed: content, code: codeOf(error) });
    return false;
  }
  say({ acknowledged: content, seq: appended.events[0]?.seq });
  return true;
}

async function run(): Promise<void> {
  const options = { dataFolder: folder, sessionsFolder: `${folder}/sessions`, fs: nodeFileSystem, clock };
  const store = await FileSessionStore.open({ ...options, durability: "synced" });
  const start = { timestamp: timestamp(), type: "session_start", format: 1, session_id: id, agent: "demo" } as const;
  const created = await store.create(id, [{ ...start, on_disconnect: "pause" }]);
  if (created.kind === "created") await created.durable;
  say({ created: id });
  for (let count = 1; count <= messages; count += 1) {
    if (await append(store, `message ${count}`)) continue;
    say({ read: (await Array.fromAsync(store.read(id))).length });
    await append(store, `message ${count} at once`);
    await store.open(id);
    await append(store, `message ${count} again`);
  }
  await store.shutdown();
  say({ done: true });
}

run().catch((error: unknown) => say({ ended: codeOf(error) }));
