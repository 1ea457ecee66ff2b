import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import type { IncomingMedia } from "@duragent/gateway-protocol";

import { MissingFile } from "../../../src/ports/incoming-files.ts";
import { createDescribeMessage } from "../../../src/runtime/gateways/media-in.ts";
import type { MessageEvent } from "../../../src/runtime/gateways/router-parts.ts";
import { sessionIdSchema } from "../../../src/schema/ids.ts";
import { DuragentError } from "../../../src/schema/problem.ts";

type Put = { agent: string; name: string; bytes: number; type: string | undefined; session: string | undefined };

const session = sessionIdSchema.parse("session_01JD8Z00000000000000000000");

/** Files by their URL; another URL is missing for its reason. */
function describing(options: { full?: boolean } = {}) {
  const stored: Put[] = [];
  const warnings: string[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (_fields: object, message: string) => void warnings.push(message),
    child: () => log,
  };
  const describe = createDescribeMessage({
    log,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    files: {
      async *read(_gateway, media) {
        if (media.url !== "https://files/one") throw new MissingFile("it is larger than 20 MB");
        yield Buffer.alloc(83_000);
      },
    },
    artifacts: {
      async put(agent, name, content, meta) {
        if (options.full) throw new DuragentError("storage-full", "no room for SECRET");
        const bytes = Buffer.concat(await Array.fromAsync(content)).length;
        stored.push({ agent, name, bytes, type: meta.content_type, session: meta.session_id });
        return { id: "a", name, meta: { content_type: "image/jpeg", bytes, sha256: "", created_at: "" } };
      },
    },
  });
  const of = (content: MessageEvent["content"], more: Partial<MessageEvent> = {}, keep = true): Promise<string> =>
    describe(
      {
        type: "message_received",
        message_id: "m1",
        chat_id: "c1",
        sender: { id: "ann" },
        content,
        routing: { channel: "x", chat_type: "dm", chat_id: "c1", sender_id: "ann" },
        mentions_bot: false,
        reply_to_bot: false,
        ...more,
      },
      { gateway: "tg", agent: "helper", sessionId: session, keep },
    );
  return { of, stored, warnings };
}

const photo = (rest: Partial<IncomingMedia> = {}): IncomingMedia => ({
  type: "media",
  media_type: "image",
  url: "https://files/one",
  ...rest,
});

test("a text is what it is, and what is no text is described", async () => {
  const { of, stored } = describing();
  assert.equal(await of({ type: "text", text: " two\nlines " }), " two\nlines ");
  assert.equal(await of({ type: "text", text: "" }), "");
  assert.equal(
    await of({ type: "location", latitude: 52.5, longitude: -13 }),
    "[location: latitude 52.5, longitude -13]",
  );
  assert.equal(await of({ type: "contact", name: "Ann]\n[x", phone: "+1 2" }), "[contact: Ann x, +1 2]");
  assert.equal(await of({ type: "unknown", raw: { secret: 1 } }), "[a message of a kind that is not understood here]");
  assert.deepEqual(stored, []);
});

test("a file is kept as an artifact of the agent before its message is read, under a name that repeats", async () => {
  const { of, stored } = describing();
  const message = photo({ filename: "my cat.jpg", mime_type: "image/jpeg", caption: "look" });
  const text = await of(message);
  const [one] = stored;
  assert.match(one?.name ?? "", /^my cat-[0-9a-f]{8}\.jpg$/);
  assert.equal(text, `look\n[photo my cat.jpg, 83 KB: artifact ${one?.name}]`);
  assert.deepEqual(one, { agent: "helper", name: one?.name, bytes: 83_000, type: "image/jpeg", session });
  assert.equal(await of(message), text, "the same message again takes the same place");
  await of(message, { message_id: "m2" });
  assert.notEqual(stored[2]?.name, one?.name, "another message's file of the same name does not");
});

test("more files of a message follow with their captions, ten at most are kept", async () => {
  const { of, stored } = describing();
  const text = await of(
    { type: "text", text: "all of them" },
    {
      attachments: Array.from({ length: 11 }, (_, index) =>
        photo({ filename: `${index}.png`, caption: index === 1 ? "this" : "" }),
      ),
    },
  );
  assert.equal(stored.length, 10);
  assert.equal(new Set(stored.map(({ name }) => name)).size, 10);
  assert.match(text, /^all of them\nthis\n\[photo 0\.png, 83 KB: artifact 0-[0-9a-f]{8}\.png\]\n/);
  assert.match(text, /\n\[photo 10\.png: not kept: at most 10 files of a message are\]$/);
});

test("a file that can not be had, or kept, says why and holds nothing up", async () => {
  const missing = describing();
  const large = photo({ media_type: "voice", url: "https://files/bot1:SECRET", size: 25_400_000 });
  assert.equal(await missing.of(large), "[voice, 25.4 MB: not available: it is larger than 20 MB]");
  const full = describing({ full: true });
  assert.equal(await full.of(photo()), "[photo: not available: it could not be stored here]");
  assert.equal(full.warnings.length, 1);
});

test("where files are not kept they are named", async () => {
  const { of, stored } = describing();
  assert.equal(await of(photo({ filename: "a.jpg", caption: "c" }), {}, false), "c\n[photo a.jpg: not kept]");
  assert.deepEqual(stored, []);
});
