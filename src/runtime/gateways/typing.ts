import type { SessionId } from "../../schema/ids.ts";
import type { LivingSession } from "../living-session.ts";
import type { RuntimeParts } from "../parts.ts";

const renewMs = 4_000;
/** Longer than the time between two, so that nothing flickers. */
const durationSeconds = 5;

type Place = { gateway: string; chatId: string; threadId: string | undefined };

/** Lets a chat see that its agent is at work: from a turn's start to its end, but not while it waits for an approval. */
export class Typing {
  private readonly parts: Pick<RuntimeParts, "clock" | "gateways">;
  private isStopped = false;
  private readonly shown = new Map<SessionId, { place: Place; cancel: () => void }>();

  constructor(parts: Pick<RuntimeParts, "clock" | "gateways">) {
    this.parts = parts;
  }

  /** A session has changed; one that does not work, or belongs to no chat, costs nothing. */
  look(session: LivingSession): void {
    const place = this.isStopped ? null : placeOf(session);
    if (!place) this.end(session.id);
    else if (!this.shown.has(session.id)) this.renew(session, place);
  }

  stop(): void {
    this.isStopped = true;
    for (const id of this.shown.keys()) this.end(id);
  }

  private renew(session: LivingSession, place: Place): void {
    this.tell(place, durationSeconds);
    const cancel = this.parts.clock.after(renewMs, () => {
      const now = placeOf(session);
      if (now) this.renew(session, now);
      else this.end(session.id);
    });
    this.shown.set(session.id, { place, cancel });
  }

  private end(id: SessionId): void {
    const shown = this.shown.get(id);
    if (!shown) return;
    this.shown.delete(id);
    shown.cancel();
    this.tell(shown.place, 0);
  }

  private tell({ gateway, chatId, threadId }: Place, duration: number): void {
    const { gateways } = this.parts;
    const capabilities = gateways.status(gateway)?.capabilities ?? [];
    if (!capabilities.includes("typing")) return;
    const thread = threadId !== undefined && capabilities.includes("threads") ? { thread_id: threadId } : {};
    gateways.tell(gateway, { type: "send_typing", chat_id: chatId, duration, ...thread });
  }
}

/** Where it is to be seen that the session works; `null`: nowhere. A model that is asked again is at work, too. */
function placeOf({ log, activity, closed }: LivingSession): Place | null {
  const { gateway, turn } = log.durable;
  if (!gateway || !turn || closed) return null;
  if (activity !== "working" && activity !== "backing_off") return null;
  return { gateway: gateway.name, chatId: gateway.chatId, threadId: turn.answers?.threadId };
}
