import type { Api } from "grammy";

type GrammySignal = Parameters<Api["getMe"]>[0];

/** A signal as grammY's types have it: those of an older implementation. It only listens for `abort`. */
export function grammySignal(signal: AbortSignal): GrammySignal {
  const same: unknown = signal;
  return same as GrammySignal;
}
