import type { Command } from "@duragent/gateway-protocol";

import type { InboundEvent } from "../../ports/gateway-host.ts";
import { ChatReplies } from "./chat-replies.ts";
import { incomingOf, type WayIn } from "./incoming.ts";
import { Newest } from "./newest.ts";
import type { MessageEvent, PressEvent, RouterParts } from "./router-parts.ts";
import { SerialLanes } from "./serial-lanes.ts";
import { takeMessage } from "./take-message.ts";
import { pressOf, takePress } from "./take-press.ts";
import { untilTaken } from "./until-taken.ts";

/** How long a message is tried that can not be taken in: whoever waits for an `ack` delivers it again by itself. */
const triedMs = { withAck: 60_000, withoutAck: 600_000 };
/** People, chats and questions that are remembered, the newest of each. */
const rememberedMax = 10_000;

/** The way in for everything that people do in chats. */
export type GatewayRouter = {
  /** Resolves when it is dealt with. Never rejects. One chat's messages are taken in their order; chats do not wait for each other. */
  received(gateway: string, event: InboundEvent): Promise<void>;
  /** Nothing more is taken in; resolves when nothing is on its way. What was not taken in is not confirmed. */
  stop(): Promise<void>;
};

/** How many wait is bounded by who hands over: the host reads no faster than what it has handed over is dealt with. */
export function createGatewayRouter(parts: RouterParts): GatewayRouter {
  const { host, log, metrics, digest } = parts;
  const stopping = new AbortController();
  const lanes = new SerialLanes();
  const replies = new ChatReplies(parts, stopping.signal);
  const way: WayIn = {
    parts,
    replies,
    stopping: stopping.signal,
    names: new Newest(rememberedMax),
    unheard: new Newest(rememberedMax),
    decided: new Newest(rememberedMax),
  };
  const knowsAck = (gateway: string): boolean => host.status(gateway)?.capabilities.includes("ack") === true;
  const confirm = (gateway: string, about: Omit<Command<"ack">, "type">): void => {
    if (knowsAck(gateway)) host.tell(gateway, { type: "ack", ...about });
  };

  const message = async (gateway: string, event: MessageEvent, isRedelivered: boolean): Promise<void> => {
    const incoming = incomingOf(gateway, event, digest);
    const outcome = await untilTaken(
      () => takeMessage(incoming, way),
      {
        forMs: isRedelivered ? triedMs.withAck : triedMs.withoutAck,
        stopping: stopping.signal,
        what: { ...incoming.chat, message_id: event.message_id },
      },
      parts,
    );
    metrics.add("duragent_gateway_messages_total", {
      gateway,
      outcome: outcome ?? (isRedelivered ? "put_off" : "lost"),
    });
    if (outcome === undefined && !isRedelivered)
      log.error(
        { ...incoming.chat, message_id: event.message_id },
        "a message is lost: its gateway does not deliver it again",
      );
    if (outcome === undefined || outcome === "unsaid") return;
    confirm(gateway, { chat_id: event.chat_id, message_id: event.message_id });
  };

  const pressed = async (gateway: string, event: PressEvent): Promise<void> => {
    const press = pressOf(gateway, event, digest);
    const outcome = await untilTaken(
      () => takePress(press, way),
      { forMs: triedMs.withAck, stopping: stopping.signal, what: { ...press.chat } },
      parts,
    );
    metrics.add("duragent_gateway_presses_total", { gateway, outcome: outcome ?? "put_off" });
    if (outcome !== undefined) confirm(gateway, { chat_id: event.chat_id, callback_query_id: event.callback_query_id });
  };

  return {
    async received(gateway, event) {
      // A press is about one question: it does not wait for what was said before it, a picture being fetched perhaps.
      const isRedelivered = knowsAck(gateway);
      const lane = JSON.stringify([event.type, gateway, event.chat_id]);
      try {
        await lanes.run(lane, async () => {
          if (stopping.signal.aborted) return;
          await (event.type === "message_received" ? message(gateway, event, isRedelivered) : pressed(gateway, event));
        });
      } catch (error) {
        log.error({ gateway, chat_id: event.chat_id, err: error }, "what came from a chat was not dealt with");
      }
    },
    async stop() {
      stopping.abort();
      await lanes.idle();
      await replies.idle();
    },
  };
}
