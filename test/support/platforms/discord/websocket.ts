import { once } from "node:events";
import type { Server } from "node:http";

import { WebSocketServer, type WebSocket } from "ws";

import { guildPayload, userPayload } from "./payloads.ts";
import type { DiscordWorld, Event } from "./world.ts";

type Sent = { op: 0; s: number; t: string; d: Record<string, unknown> };
type Session = { id: string; intents: number; seq: number; sent: Sent[]; events: WeakSet<Event>; socket?: WebSocket };

/** https://discord.com/developers/docs/events/gateway#gateway-intents */
const intents = { guilds: 1 << 0, guildMessages: 1 << 9, directMessages: 1 << 12, messageContent: 1 << 15 };
const knownIntents = (1 << 26) - 1;

/** Discord's websocket: https://discord.com/developers/docs/events/gateway */
export class DiscordWebsocket {
  readonly #world: DiscordWorld;
  readonly #server: WebSocketServer;
  readonly #sessions: Session[] = [];
  readonly #waiting = new Set<() => void>();
  readonly url: () => string;
  heartbeatMs = 41_250;
  /** Which intents the owner has not switched on. */
  disallowedIntents = 0;
  /** `identify` or `resume`, as they came. */
  readonly starts: string[] = [];
  heartbeats = 0;

  constructor(world: DiscordWorld, http: Server, url: () => string) {
    this.#world = world;
    this.url = url;
    this.#server = new WebSocketServer({ server: http });
    this.#server.on("connection", (socket, request) => this.#opened(socket, request.url ?? ""));
    world.on("event", (event) => this.#tellAll(event));
  }

  /** Resolves once the bot's process has read it; waits for a connection if there is none. */
  async deliver(event: Event, isReachable: () => boolean): Promise<void> {
    for (;;) {
      const session = this.#sessions.findLast(({ socket }) => socket?.readyState === socket?.OPEN && socket);
      if (session?.socket) {
        this.#tell(session, event);
        if (await wasRead(session.socket)) return;
        continue;
      }
      // Discord keeps it for a connection that comes back.
      const away = this.#sessions.at(-1);
      if (!isReachable() && away) return this.#tell(away, event);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  dropAll(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }

  /** Op 7: come again and resume. */
  askToReconnect(): void {
    for (const socket of this.#server.clients) socket.send(JSON.stringify({ op: 7, d: null }));
  }

  /** Op 9: the session is over. */
  invalidate(): void {
    const over = this.#sessions.splice(0);
    for (const { socket } of over) socket?.send(JSON.stringify({ op: 9, d: false }));
  }

  closeAll(code: number): void {
    for (const socket of this.#server.clients) socket.close(code);
  }

  #tellAll(event: Event): void {
    for (const session of this.#sessions) this.#tell(session, event);
  }

  #tell(session: Session, event: Event): void {
    if (session.events.has(event) || !isFor(session.intents, event)) return;
    session.events.add(event);
    session.seq += 1;
    const sent: Sent = { op: 0, s: session.seq, t: event.t, d: withoutContent(this.#world, session.intents, event) };
    session.sent.push(sent);
    session.socket?.send(JSON.stringify(sent));
  }

  #opened(socket: WebSocket, path: string): void {
    const query = new URL(path, "ws://discord").searchParams;
    if (query.get("v") !== "10" || query.get("encoding") !== "json") return socket.close(4012);
    // One for each message that waits to be read.
    socket.setMaxListeners(0);
    socket.on("error", () => {
      // Cut on purpose.
    });
    let session: Session | undefined;
    let silence: NodeJS.Timeout | undefined;
    const expectHeartbeat = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.close(4009), this.heartbeatMs + 5_000);
    };
    expectHeartbeat();
    socket.on("close", () => {
      clearTimeout(silence);
      if (session?.socket === socket) delete session.socket;
    });
    socket.on("message", (bytes: Buffer) => {
      const message = parsed(bytes.toString());
      if (!message) return socket.close(4002);
      switch (message.op) {
        case 1:
          this.heartbeats += 1;
          expectHeartbeat();
          return socket.send(JSON.stringify({ op: 11 }));
        case 2:
          if (session) return socket.close(4005);
          session = this.#identify(socket, message.d ?? {});
          return;
        case 6:
          if (session) return socket.close(4005);
          session = this.#resume(socket, message.d ?? {});
          return;
        case 3:
        case 4:
        case 8:
          return session ? undefined : socket.close(4003);
        default:
          return socket.close(4001);
      }
    });
    socket.send(JSON.stringify({ op: 10, d: { heartbeat_interval: this.heartbeatMs } }));
  }

  #identify(socket: WebSocket, d: Record<string, unknown>): Session | undefined {
    this.starts.push("identify");
    const wanted = Number(d.intents);
    const refused = this.#refusal(d, wanted);
    if (refused !== undefined) {
      socket.close(refused);
      return undefined;
    }
    const session: Session = {
      id: this.#world.snowflake(),
      intents: wanted,
      seq: 0,
      sent: [],
      events: new WeakSet(),
      socket,
    };
    this.#sessions.push(session);
    const guilds = [...this.#world.guilds.values()];
    this.#tell(session, {
      t: "READY",
      d: {
        v: 10,
        user: userPayload(this.#world.bot),
        guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
        session_id: session.id,
        resume_gateway_url: this.url(),
        shard: d.shard,
        application: { id: this.#world.applicationId, flags: 0 },
      },
    });
    for (const guild of guilds) this.#tell(session, { t: "GUILD_CREATE", d: guildPayload(this.#world, guild) });
    this.#live();
    return session;
  }

  #refusal(d: Record<string, unknown>, wanted: number): number | undefined {
    if (d.token !== this.#world.token) return 4004;
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > knownIntents) return 4013;
    if ((wanted & this.disallowedIntents) !== 0) return 4014;
    return typeof d.properties === "object" ? undefined : 4002;
  }

  #resume(socket: WebSocket, d: Record<string, unknown>): Session | undefined {
    this.starts.push("resume");
    const session = this.#sessions.find(({ id }) => id === d.session_id);
    const seen = Number(d.seq);
    if (d.token !== this.#world.token) socket.close(4004);
    else if (!session) socket.send(JSON.stringify({ op: 9, d: false }));
    else if (!(seen <= session.seq)) socket.close(4007);
    else return this.#resumed(session, socket, seen);
    return undefined;
  }

  #resumed(session: Session, socket: WebSocket, seen: number): Session {
    session.socket = socket;
    for (const sent of session.sent.filter(({ s }) => s > seen)) socket.send(JSON.stringify(sent));
    this.#tell(session, { t: "RESUMED", d: {} });
    this.#live();
    return session;
  }

  #live(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** What was sent on a socket before a ping was read when its pong comes. */
async function wasRead(socket: WebSocket): Promise<boolean> {
  const over = new AbortController();
  try {
    socket.ping();
    const pong = once(socket, "pong", { signal: over.signal }).then(() => true);
    const closed = once(socket, "close", { signal: over.signal }).then(() => false);
    const lost = [pong, closed].map((it) => it.catch(() => false));
    return await Promise.race(lost);
  } finally {
    over.abort();
  }
}

function isFor(wanted: number, { t, guildId }: Event): boolean {
  if (t.startsWith("MESSAGE_"))
    return (wanted & (guildId === undefined ? intents.directMessages : intents.guildMessages)) !== 0;
  if (/^(?:GUILD|CHANNEL|THREAD)_/.test(t)) return (wanted & intents.guilds) !== 0;
  return true;
}

/** Without its intent a bot reads what is said to it only. */
function withoutContent(world: DiscordWorld, wanted: number, { t, d, guildId }: Event): Record<string, unknown> {
  if (!/^MESSAGE_(?:CREATE|UPDATE)$/.test(t) || guildId === undefined || (wanted & intents.messageContent) !== 0)
    return d;
  if (String(d.content).includes(world.bot.id)) return d;
  return { ...d, content: "", attachments: [], embeds: [], components: [] };
}

function parsed(text: string): { op: number; d?: Record<string, unknown> } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON: closed with the code for it.
    return undefined;
  }
}
