import { setTimeout as pause } from "node:timers/promises";

import { backoffMs, CommandFailure, errorText, type Core } from "@duragent/gateway-protocol";
import { GrammyError, type Api } from "grammy";
import type { Update } from "grammy/types";

import { toFailure } from "./failure.ts";
import { grammySignal } from "./grammy-signal.ts";

/** A connection over which nothing comes, not even the end of the long poll, is given up after so much more. */
const silenceMs = 10_000;

export type Polling = {
  readonly api: Api;
  readonly core: Core;
  readonly timeoutSeconds: number;
  /** Hands over what an update brings; resolves once the core has it. */
  handOver(update: Update): Promise<void>;
  /** Whether the last question was answered. */
  connected(is: boolean): void;
};

/**
 * Asks for updates until the gateway ends. An update is confirmed by asking for what follows it, and that is done only when
 * the core has it: after a kill Telegram sends again what it has not.
 */
export async function poll(polling: Polling): Promise<void> {
  const { api, core, timeoutSeconds } = polling;
  const { stopping } = core;
  let offset: number | undefined;
  let failures = 0;
  while (!stopping.aborted) {
    try {
      const updates = await ask(api, { offset, timeoutSeconds, stopping });
      polling.connected(true);
      failures = 0;
      for (const update of updates) {
        await kept(polling, update);
        offset = update.update_id + 1;
      }
    } catch (error) {
      if (stopping.aborted) break;
      polling.connected(false);
      failures += 1;
      const waitMs = await failed(polling, error, failures);
      await pause(waitMs, undefined, { signal: stopping }).catch(() => {
        // It ends: the loop sees that.
      });
    }
  }
  // What was kept last is confirmed, so that the next start is not told of it again.
  if (offset !== undefined)
    await api.getUpdates({ offset, timeout: 0, limit: 1, allowed_updates: kinds }).catch(ignored);
}

const kinds = ["message", "channel_post", "callback_query"] as const;

async function ask(
  api: Api,
  about: { offset: number | undefined; timeoutSeconds: number; stopping: AbortSignal },
): Promise<Update[]> {
  const tooLong = AbortSignal.timeout(about.timeoutSeconds * 1_000 + silenceMs);
  const asked = {
    timeout: about.timeoutSeconds,
    allowed_updates: kinds,
    ...(about.offset !== undefined && { offset: about.offset }),
  };
  return api.getUpdates(asked, grammySignal(AbortSignal.any([about.stopping, tooLong])));
}

async function kept({ core, handOver }: Polling, update: Update): Promise<void> {
  try {
    await handOver(update);
  } catch (error) {
    if (core.stopping.aborted || toFailure(error) instanceof CommandFailure) throw error;
    // Asked for again it would fail again, and hold up all that comes after it.
    core.log(`update ${update.update_id} could not be read and is passed over: ${errorText(error)}`);
  }
}

/** Says what went wrong; how long to wait, in ms. */
async function failed({ api, core }: Polling, error: unknown, failures: number): Promise<number> {
  const waitMs = backoffMs(failures);
  if (!(error instanceof GrammyError)) {
    const why = `updates could not be asked for: ${errorText(toFailure(error))}`;
    // The operator is told once an outage, the log each time.
    if (failures === 1) core.error("not_connected", why);
    core.log(why);
    return waitMs;
  }
  const { error_code: status, description } = error;
  if (status === 401 || status === 404) core.error("unauthorized", refusedToken(description), true);
  else if (status === 409 && /webhook/i.test(description)) await removeWebhook(api, core);
  else if (status === 409) core.error("platform_error", otherPoller);
  else core.log(`updates could not be asked for: ${description}`);
  return Math.max(waitMs, (error.parameters.retry_after ?? 0) * 1_000);
}

const otherPoller =
  "another program asks Telegram for this bot's updates, and only one can: stop the other, or give each a bot of its own";

/** For the log and the operator. */
export function refusedToken(description: string): string {
  return `Telegram refuses the bot token (${description}): check bot_token or TELEGRAM_BOT_TOKEN with @BotFather`;
}

/** With a webhook Telegram gives updates to nobody who asks. What waits for it stays. */
export async function removeWebhook(api: Api, core: Core): Promise<void> {
  const { url } = await api.getWebhookInfo();
  if (url === "") return;
  await api.deleteWebhook({ drop_pending_updates: false });
  core.log(`the bot's webhook was removed: this gateway asks for updates instead`);
}

function ignored(): void {
  // What is not confirmed comes again, and the core takes it once.
}
