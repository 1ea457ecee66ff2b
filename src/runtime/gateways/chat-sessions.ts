import { hasOpenWork } from "../../domain/session/next-status.ts";
import type { SessionState } from "../../domain/session/state.ts";
import type { Chat } from "../../ports/chat-index.ts";
import type { SessionProblem } from "../../ports/session-store.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { Sessions } from "../runtime.ts";
import type { SessionRegistry } from "../session-registry.ts";

/** Sessions of a chat that ended longer ago are not looked for: a platform delivers nothing again that late. */
export const recentMs = 7 * 24 * 3_600_000;
/** Deleted sessions of a chat in a row whose keys of creation are passed over. */
const creationTriesMax = 1_000;

/** A chat, and whether one person or several talk in it. */
export type TypedChat = Chat & { readonly chatType: "dm" | "group" };

type KnownSession = {
  readonly agent: string;
  readonly isOpen: boolean;
  /** Something is left to do, to answer or to send. */
  readonly isBusy: boolean;
  readonly updatedAtMs: number;
};

/**
 * Which session belongs to which chat of a gateway: one for each agent is open at most. Known from the look at all sessions
 * at the start, and kept up to date by whatever changes a session; some 200 bytes each.
 */
export class ChatSessions {
  private readonly registry: SessionRegistry;
  private readonly create: Sessions["create"];
  /** By gateway, then by chat; each in the order in which they became known. */
  private readonly chats = new Map<string, Map<string, Map<SessionId, KnownSession>>>();
  private readonly chatOf = new Map<SessionId, Chat>();
  private readonly making = new Map<string, Promise<SessionId>>();
  private readonly waking = new Map<string, { isStale: boolean }>();
  private loading: Promise<unknown> = Promise.resolve();

  constructor(registry: SessionRegistry, create: Sessions["create"]) {
    this.registry = registry;
    this.create = create;
  }

  /** Until this has settled nobody knows which sessions there are. */
  loadDuring(loading: Promise<unknown>): void {
    this.loading = loading;
  }

  /** Resolves when all that were there at the start are known; rejects when they could not be looked at. */
  async loaded(): Promise<void> {
    await this.loading;
  }

  /** A session as it is now. One of no chat is nothing to remember. */
  saw(id: SessionId, state: SessionState, problem?: SessionProblem): void {
    if (!state.gateway) return;
    const { name, chatId } = state.gateway;
    const updatedAtMs = Date.parse(state.updatedAt);
    if (state.ended && updatedAtMs < this.recentSinceMs()) return this.forget(id);
    this.chatOf.set(id, { gateway: name, chatId });
    this.sessionsIn({ gateway: name, chatId }).set(id, {
      agent: state.agent,
      // Into one that can not be written to no message goes.
      isOpen: !state.endAsked && !state.ended && !(problem && unwritable.has(problem.code)),
      isBusy: !state.ended && (hasOpenWork(state) || state.sends.length > 0 || state.endAsked !== null),
      updatedAtMs,
    });
  }

  /** It was deleted. */
  forget(id: SessionId): void {
    const chat = this.chatOf.get(id);
    if (!chat) return;
    this.chatOf.delete(id);
    const chats = this.chats.get(chat.gateway);
    const sessions = chats?.get(chat.chatId);
    sessions?.delete(id);
    if (sessions?.size === 0) chats?.delete(chat.chatId);
  }

  /** The open session of a chat with an agent, without one of that name the newest of any. */
  open(chat: Chat, agent?: string): SessionId | undefined {
    return this.newest(chat, (session) => session.isOpen && (agent === undefined || session.agent === agent));
  }

  /** The open ones, of all agents; newest first. */
  sessionsOf(chat: Chat): readonly SessionId[] {
    return this.ids(chat, (session) => session.isOpen);
  }

  /** All that can hold a message that comes again, also those that have ended; oldest first. */
  recentOf(chat: Chat): readonly SessionId[] {
    const sinceMs = this.recentSinceMs();
    return this.ids(chat, (session) => session.updatedAtMs >= sinceMs).toReversed();
  }

  /** Finds the open session, or creates one; those who ask at the same time share it. Throws what `create` does. */
  async ensure(chat: TypedChat, agent: string): Promise<SessionId> {
    await this.loading;
    const key = JSON.stringify([chat.gateway, chat.chatId, agent]);
    const making = this.making.get(key);
    if (making) return making;
    const open = this.open(chat, agent);
    if (open) return open;
    const made = this.make(chat, agent).finally(() => this.making.delete(key));
    this.making.set(key, made);
    return made;
  }

  /** A gateway has become ready or was lost: for its chats that means what a client's coming and going means for others. */
  changed(gateway: string): void {
    const going = this.waking.get(gateway);
    if (going) going.isStale = true;
    else void this.wakeAll(gateway);
  }

  private async wakeAll(gateway: string): Promise<void> {
    const pass = { isStale: true };
    this.waking.set(gateway, pass);
    while (pass.isStale && !this.registry.draining) {
      pass.isStale = false;
      for (const id of this.busyOf(gateway)) await this.wake(id);
    }
    this.waking.delete(gateway);
  }

  private async wake(id: SessionId): Promise<void> {
    if (this.registry.draining) return;
    try {
      this.registry.kick(await this.registry.get(id));
    } catch (error) {
      this.registry.notOpened(id, error);
    }
  }

  /**
   * The key of a creation names the session before it: whoever asks for the same again, after a crash or on another
   * worker, finds the session that was made.
   */
  private async make(chat: TypedChat, agent: string): Promise<SessionId> {
    const { gateway, chatId, chatType } = chat;
    const before = this.newest(chat, (session) => session.agent === agent) ?? "";
    for (let tries = 0; tries < creationTriesMax; tries += 1) {
      const idempotencyKey = `chat:${this.registry.parts.digest(JSON.stringify([gateway, chatId, chatType, agent, before, tries]))}`;
      try {
        const { session } = await this.create({ agent, gateway: { name: gateway, chatId, chatType }, idempotencyKey });
        if (session.status !== "ended" && this.open(chat, agent) === session.sessionId) return session.sessionId;
        const kept = this.chatOf.get(session.sessionId);
        // Another one would be no better: whoever asks again would never find it.
        if (kept && kept.chatId !== chatId) throw new DuragentError("conflict", unkept(gateway, chatId));
      } catch (error) {
        // That session was deleted, and its key stays taken.
        if (!(error instanceof DuragentError) || error.code !== "session-ended") throw error;
      }
    }
    throw new DuragentError("conflict", `no session could be made for chat ${chatId} of gateway ${gateway}`);
  }

  private recentSinceMs(): number {
    return this.registry.parts.clock.now() - recentMs;
  }

  private newest(chat: Chat, fits: (session: KnownSession) => boolean): SessionId | undefined {
    return this.ids(chat, fits)[0];
  }

  /** Newest first: ids rise with time. */
  private ids({ gateway, chatId }: Chat, fits: (session: KnownSession) => boolean): SessionId[] {
    const sessions = this.chats.get(gateway)?.get(chatId) ?? [];
    return [...sessions].flatMap(([id, session]) => (fits(session) ? [id] : [])).toSorted((a, b) => (a < b ? 1 : -1));
  }

  private busyOf(gateway: string): SessionId[] {
    return [...(this.chats.get(gateway)?.values() ?? [])].flatMap((sessions) =>
      [...sessions].flatMap(([id, session]) => (session.isBusy ? [id] : [])),
    );
  }

  private sessionsIn({ gateway, chatId }: Chat): Map<SessionId, KnownSession> {
    const chats = this.chats.get(gateway) ?? new Map<string, Map<SessionId, KnownSession>>();
    this.chats.set(gateway, chats);
    const sessions = chats.get(chatId) ?? new Map<SessionId, KnownSession>();
    chats.set(chatId, sessions);
    return sessions;
  }
}

const unwritable: ReadonlySet<string> = new Set<SessionProblem["code"]>(["session-corrupt", "session-read-only"]);

const unkept = (gateway: string, chatId: string): string =>
  `the chat id ${JSON.stringify(chatId)} of gateway ${gateway} can not be kept in a log as it is: a known secret is in it, or what is no character`;
