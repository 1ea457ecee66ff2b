type Digest = (text: string) => string;
type PlatformMessage = { readonly gateway: string; readonly chatId: string; readonly messageId: string };

const shortDigest = (digest: Digest, parts: readonly string[]): string => digest(JSON.stringify(parts)).slice(0, 32);

/** The `idempotency_key` of the event that records a platform's message. `digest`: SHA-256 as 64 hex digits. */
export function messageKey({ gateway, chatId, messageId }: PlatformMessage, digest: Digest): string {
  return `chat:${shortDigest(digest, [gateway, chatId, messageId])}`;
}

/** The same for a press of a button, which platforms number by themselves. */
export function pressKey(
  {
    gateway,
    chatId,
    callbackQueryId,
  }: { readonly gateway: string; readonly chatId: string; readonly callbackQueryId: string },
  digest: Digest,
): string {
  return `press:${shortDigest(digest, [gateway, chatId, callbackQueryId])}`;
}
