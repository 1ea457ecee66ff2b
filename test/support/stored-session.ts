import assert from "node:assert/strict";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { FileSessionStore } from "../../src/adapters/stores/sessions/files/store.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import type { SessionStore } from "../../src/ports/session-store.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import type { SessionEvent } from "../../src/schema/session-event.ts";
import { message, newSessionId, started } from "../suites/session-store.ts";

export const testClock: Clock = createSystemClock();

/** A file store on any file system, under /data. */
export function openFiles(fs: FileSystem, durability: "synced" | "flushed" = "synced"): Promise<FileSessionStore> {
  return FileSessionStore.open({
    dataFolder: "/data",
    sessionsFolder: "/data/sessions",
    fs,
    clock: testClock,
    durability,
  });
}

export function logPath(id: SessionId): string {
  return `/data/sessions/${id}/events.jsonl`;
}

export function readAll(store: SessionStore, id: SessionId): Promise<SessionEvent[]> {
  return Array.fromAsync(store.read(id));
}

/** A session with one `session_start` and a message for each text; every one durable in a write of its own. */
export async function storedSession(store: SessionStore, texts: readonly string[]): Promise<SessionId> {
  const id = newSessionId();
  const made = await store.create(id, [started(id, testClock)]);
  assert.ok(made.kind === "created");
  await made.durable;
  for (const text of texts) await say(store, id, text);
  return id;
}

/** Appends one message and waits until it is durable. */
export async function say(store: SessionStore, id: SessionId, text: string): Promise<SessionEvent> {
  const appended = await store.append(id, testClock.ulid(), [message(testClock, text)], {});
  assert.equal(appended.kind, "appended", JSON.stringify(appended));
  assert.ok(appended.kind === "appended");
  await appended.durable;
  const [event] = appended.events;
  assert.ok(event);
  return event;
}
