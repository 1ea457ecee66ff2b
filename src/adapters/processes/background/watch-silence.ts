import { stat } from "node:fs/promises";

import { terminalText } from "../../../domain/terminal-text.ts";
import { silenceMessage } from "./end-message.ts";
import { ownPath, type Ground } from "./ground.ts";
import { readTail } from "./output.ts";
import type { ProcessLife } from "./process-life.ts";
import { captureScreen } from "./screen.ts";

/** So often is a session told about one watch; then it must ask again. */
const toldMax = 50;

/** Tells the session once a watched process has written something and then nothing for the interval; again after new output. */
export async function watchSilence(life: ProcessLife, ground: Ground): Promise<void> {
  const { watch, log_path: path, handle } = life.stored;
  if (!watch) return;
  const bytes = (await stat(path).catch(() => null))?.size ?? 0;
  const now = ground.clock.monotonic();
  if (bytes !== life.grown.bytes) life.grown = { bytes, at: now };
  if (bytes <= watch.told_bytes || now - life.grown.at < watch.interval_seconds * 1000) return;
  const isLast = watch.told_times + 1 >= toldMax;
  const { screen } = life;
  const shown = screen && terminalText(await captureScreen(screen, ownPath(ground)));
  const content = await silenceMessage(life.stored, {
    seconds: watch.interval_seconds,
    shown,
    isLast,
    tail: (limitBytes) => readTail(path, limitBytes, ground.redactText),
  });
  await ground.sessions.processSays(life.stored.session_id, {
    handle,
    content: ground.redactText(content),
    idempotencyKey: `process:${handle}:silent:${bytes}`,
  });
  // It may have been watched anew, or no longer, while the session was told.
  if (life.stored.watch !== watch) return;
  await life.save({ watch: isLast ? undefined : { ...watch, told_bytes: bytes, told_times: watch.told_times + 1 } });
}
