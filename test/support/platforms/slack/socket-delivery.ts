import { randomUUID } from "node:crypto";

import { WebSocketServer, type WebSocket } from "ws";
import { z } from "zod";

import type { ApiServer } from "./api-server.ts";
import { nameOf, type Delivery, type DeliveryKind } from "./delivery.ts";
import { bot, type Workspace } from "./workspace.ts";

const retriesMax = 3;

const acknowledgement = z.strictObject({ envelope_id: z.string(), payload: z.record(z.string(), z.json()).optional() });

type Envelope = {
  readonly id: string;
  readonly kind: DeliveryKind;
  readonly payload: object;
  readonly sent: PromiseWithResolvers<void>;
  readonly acknowledged: PromiseWithResolvers<void>;
  attempt: number;
  on?: WebSocket;
  timer?: NodeJS.Timeout;
};

/** Socket Mode. https://docs.slack.dev/apis/events-api/using-socket-mode */
export class SocketDelivery implements Delivery {
  readonly acknowledged: string[] = [];
  readonly #workspace: Workspace;
  readonly #ackWaitMs: number;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #tickets = new Set<string>();
  readonly #pending = new Map<string, Envelope>();
  readonly #open: WebSocket[] = [];

  constructor(workspace: Workspace, ackWaitMs: number) {
    this.#workspace = workspace;
    this.#ackWaitMs = ackWaitMs;
  }

  /** An address that works once. */
  newTicket(): string {
    const ticket = randomUUID();
    this.#tickets.add(ticket);
    return ticket;
  }

  attach(api: ApiServer): void {
    api.onUpgrade((request, socket, head) => {
      const ticket = new URL(request.url ?? "/", api.origin).searchParams.get("ticket") ?? "";
      if (!this.#tickets.delete(ticket)) {
        this.#workspace.violations.push("a connection without a ticket, or with a used one");
        socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
        return;
      }
      // After the closing handshake Slack leaves it to the app to end the TCP connection.
      socket.end = () => socket;
      socket.once("end", () => socket.destroy());
      this.#server.handleUpgrade(request, socket, head, (connection) => this.#begin(connection));
    });
  }

  async deliver(kind: DeliveryKind, payload: object): Promise<{ readonly acknowledged: Promise<void> }> {
    const envelope: Envelope = {
      id: randomUUID(),
      kind,
      payload,
      sent: Promise.withResolvers(),
      acknowledged: Promise.withResolvers(),
      attempt: 0,
    };
    this.#pending.set(envelope.id, envelope);
    this.#send(envelope);
    await envelope.sent.promise;
    return { acknowledged: envelope.acknowledged.promise };
  }

  /** Slack is about to end the connections: the app is to open others. */
  requestRefresh(): void {
    for (const connection of this.#open.splice(0)) {
      connection.send(
        JSON.stringify({ type: "disconnect", reason: "refresh_requested", debug_info: { host: "test" } }),
      );
    }
  }

  /** Also those that the app was told to leave. */
  get sockets(): number {
    return this.#server.clients.size;
  }

  get connections(): number {
    return this.#open.length;
  }

  dropConnections(): void {
    for (const connection of this.#open) connection.terminate();
  }

  setReachable(reachable: boolean): void {
    if (!reachable) this.dropConnections();
  }

  close(): Promise<void> {
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
    for (const connection of this.#server.clients) connection.terminate();
    this.#server.close();
    return Promise.resolve();
  }

  #begin(connection: WebSocket): void {
    this.#open.push(connection);
    connection.on("message", (text) => this.#acknowledge(String(text)));
    connection.on("close", () => this.#end(connection));
    const hello = { type: "hello", num_connections: this.#open.length, connection_info: { app_id: bot.appId } };
    connection.send(JSON.stringify(hello));
    for (const envelope of this.#pending.values()) if (!envelope.on) this.#send(envelope);
    this.#workspace.changed();
  }

  #end(connection: WebSocket): void {
    const at = this.#open.indexOf(connection);
    if (at !== -1) this.#open.splice(at, 1);
    for (const envelope of this.#pending.values()) {
      if (envelope.on !== connection) continue;
      delete envelope.on;
      clearTimeout(envelope.timer);
      this.#retry(envelope);
    }
  }

  #send(envelope: Envelope): void {
    const connection = this.#open[0];
    if (!connection) return;
    const { id, kind, payload, attempt } = envelope;
    envelope.on = connection;
    const again = attempt > 0 ? { retry_attempt: attempt, retry_reason: "timeout" } : {};
    connection.send(
      JSON.stringify({
        envelope_id: id,
        type: kind,
        accepts_response_payload: kind !== "events_api",
        payload,
        ...again,
      }),
    );
    envelope.timer = setTimeout(() => this.#retry(envelope), this.#ackWaitMs);
    envelope.sent.resolve();
  }

  #retry(envelope: Envelope): void {
    envelope.attempt += 1;
    if (envelope.attempt > retriesMax) this.#pending.delete(envelope.id);
    else this.#send(envelope);
  }

  #acknowledge(text: string): void {
    const read = acknowledgement.safeParse(JSON.parse(text));
    const envelope = read.success ? this.#pending.get(read.data.envelope_id) : undefined;
    if (!envelope) {
      if (!read.success) this.#workspace.violations.push(`not an acknowledgement: ${text}`);
      return;
    }
    clearTimeout(envelope.timer);
    this.#pending.delete(envelope.id);
    this.acknowledged.push(nameOf(envelope.payload));
    envelope.acknowledged.resolve();
    this.#workspace.changed();
  }
}
