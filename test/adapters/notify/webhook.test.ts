import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { createWebhookNotifier } from "../../../src/adapters/notify/webhook.ts";
import type { Notification } from "../../../src/ports/notifier.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { Secret } from "../../../src/schema/secret.ts";

const notification: Notification = {
  requestId: "session_1.notify.abc",
  sessionId: `session_${"0".repeat(26)}` as SessionId,
  agent: "demo",
  kind: "notice",
  content: "It is done. Größe: 3 €",
  createdAt: "2026-01-01T00:00:00.000Z",
};
const patient = new AbortController().signal;

type Received = { headers: IncomingHttpHeaders; body: string };

async function receiver(test: Pick<TestContext, "after">, status: number, headers: Record<string, string> = {}) {
  const received: Received[] = [];
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      received.push({ headers: incoming.headers, body: Buffer.concat(parts).toString() });
      outgoing.writeHead(status, headers).end("thanks");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { received, url: `http://127.0.0.1:${port}/hook/token-in-the-path` };
}

test("a notification is a POST of JSON with its idempotency key and a signature over its body", async (t) => {
  const { received, url } = await receiver(t, 204);
  const notifier = createWebhookNotifier(() => ({ ops: { webhook: url, secret: new Secret("s3cret-of-the-hook") } }));
  assert.deepEqual(await notifier.notify("ops", notification, patient), { kind: "sent" });
  const [{ headers, body } = { headers: {}, body: "" }] = received;
  assert.deepEqual(JSON.parse(body), {
    request_id: notification.requestId,
    session_id: notification.sessionId,
    agent: "demo",
    kind: "notice",
    content: notification.content,
    created_at: notification.createdAt,
  });
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["idempotency-key"], notification.requestId);
  const digest = createHmac("sha256", "s3cret-of-the-hook").update(body).digest("hex");
  assert.equal(headers["x-duragent-signature"], `sha256=${digest}`);
});

test("without a secret nothing is signed, and a question comes with what answers it", async (t) => {
  const { received, url } = await receiver(t, 200);
  const notifier = createWebhookNotifier(() => ({ ops: { webhook: url } }));
  const approval = { approvalId: "appr_1", callId: "c1", toolName: "bash", command: "ls" };
  await notifier.notify("ops", { ...notification, kind: "approval", approval }, patient);
  assert.equal(received[0]?.headers["x-duragent-signature"], undefined);
  assert.deepEqual(JSON.parse(received[0]?.body ?? "").approval, {
    approval_id: "appr_1",
    call_id: "c1",
    tool_name: "bash",
    command: "ls",
  });
});

for (const [status, kind] of [
  [200, "sent"],
  [202, "sent"],
  [302, "refused"],
  [400, "refused"],
  [404, "refused"],
  [410, "refused"],
  [408, "failed"],
  [409, "failed"],
  [425, "failed"],
  [429, "failed"],
  [500, "failed"],
  [503, "failed"],
] as const)
  test(`an answer ${status} is ${kind}`, async (t) => {
    const elsewhere = await receiver(t, 200);
    const { url } = await receiver(t, status, status === 302 ? { location: elsewhere.url } : {});
    const told = await createWebhookNotifier(() => ({ ops: { webhook: url } })).notify("ops", notification, patient);
    assert.equal(told.kind, kind);
    assert.equal(elsewhere.received.length, 0, "a redirect is not followed");
  });

test("what can not be reached is tried again, and its address is not told", async () => {
  const url = "http://127.0.0.1:1/hook/token-in-the-path";
  const told = await createWebhookNotifier(() => ({ ops: { webhook: url } })).notify("ops", notification, patient);
  assert.equal(told.kind, "failed");
  assert.doesNotMatch(JSON.stringify(told), /token-in-the-path/);
});

test("a channel that is gone, or is a gateway's chat, is refused", async () => {
  const notifier = createWebhookNotifier(() => ({ me: { gateway: "telegram", chat_id: "1" } }));
  assert.equal((await notifier.notify("ops", notification, patient)).kind, "refused");
  assert.equal((await notifier.notify("me", notification, patient)).kind, "refused");
  assert.equal((await notifier.notify("constructor", notification, patient)).kind, "refused");
});
