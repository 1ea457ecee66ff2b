import { createHmac } from "node:crypto";

import type { Notification, Notified, Notifier } from "../../ports/notifier.ts";
import type { Config } from "../../schema/config.ts";

const timeoutMs = 10_000;
/** Answers below 500 that may be different the next time: timeout, conflict, too early, too many. */
const worthAnotherTry = new Set([408, 409, 425, 429]);

/**
 * Channels of kind webhook: a POST of JSON with an `Idempotency-Key`; with a `secret`, `X-Duragent-Signature` is
 * `sha256=` and the HMAC-SHA-256 of the body in hex. Any 2xx is a delivery; redirects are not followed.
 */
export function createWebhookNotifier(channels: () => NonNullable<Config["notify"]>["channels"]): Notifier {
  return {
    async notify(name, notification, signal) {
      const channel = Object.hasOwn(channels(), name) ? channels()[name] : undefined;
      if (channel === undefined) return { kind: "refused", detail: `notify.channels has no ${name}` };
      if (!("webhook" in channel))
        return { kind: "refused", detail: `the channel ${name} is a gateway's chat, not a webhook` };
      const body = JSON.stringify(bodyOf(notification));
      const secret = channel.secret?.reveal();
      const signature =
        secret === undefined
          ? {}
          : { "x-duragent-signature": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}` };
      try {
        const response = await fetch(channel.webhook, {
          method: "POST",
          body,
          headers: {
            "content-type": "application/json",
            "idempotency-key": notification.requestId,
            "user-agent": "duragent",
            ...signature,
          },
          redirect: "manual",
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        // What it says is of no interest, and may be endless.
        await response.body?.cancel();
        return outcomeOf(response.status);
      } catch (error) {
        if (signal.aborted) throw error;
        return { kind: "failed", detail: `it could not be reached: ${reasonOf(error)}` };
      }
    },
  };
}

function outcomeOf(status: number): Notified {
  if (status >= 200 && status < 300) return { kind: "sent" };
  const detail = `it answered ${status}`;
  return status >= 500 || worthAnotherTry.has(status) ? { kind: "failed", detail } : { kind: "refused", detail };
}

const bodyOf = ({ requestId, sessionId, agent, kind, content, createdAt, approval }: Notification) => ({
  request_id: requestId,
  session_id: sessionId,
  agent,
  kind,
  content,
  created_at: createdAt,
  ...(approval === undefined
    ? {}
    : {
        approval: {
          approval_id: approval.approvalId,
          call_id: approval.callId,
          tool_name: approval.toolName,
          command: approval.command,
          ...(approval.expiresAt === undefined ? {} : { expires_at: approval.expiresAt }),
        },
      }),
});

/** Never the message of the error itself: it may hold the address, and with it a token. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return `no answer in ${timeoutMs / 1000} s`;
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = typeof cause === "object" && cause !== null ? Reflect.get(cause, "code") : undefined;
  return typeof code === "string" ? code : "the connection failed";
}
