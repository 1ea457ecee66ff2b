import type { z } from "zod";

import { approvalButton } from "../../src/domain/gateways/approval-button.ts";
import type {
  GatewayAnswer,
  GatewayHint,
  GatewayHost,
  GatewayRequest,
  GatewayStatus,
} from "../../src/ports/gateway-host.ts";
import { createGatewayRouter, type GatewayRouter } from "../../src/runtime/gateways/router.ts";
import type { MessageEvent, PressEvent, RouterParts } from "../../src/runtime/gateways/router-parts.ts";
import type { AgentDefinition } from "../../src/schema/agent.ts";
import { agentAccessSchema } from "../../src/schema/agent-access.ts";
import type { ApprovalChoice, SessionEvent } from "../../src/schema/session-event.ts";
import { eventsOf, harness, type Harness, type HarnessOptions } from "./runtime-harness.ts";

/** Gateways that are always there, and keep what they are asked and told. */
export class FakeGateways {
  readonly asked: { gateway: string; request: GatewayRequest }[] = [];
  readonly told: { gateway: string; hint: GatewayHint }[] = [];
  capabilities = ["reply", "inline_keyboard", "threads", "edit", "ack"];
  /** Asked before each answer; without an answer of its own all works. */
  answer: (request: GatewayRequest) => GatewayAnswer | Promise<GatewayAnswer> | undefined = () => undefined;

  readonly host: Pick<GatewayHost, "isReady" | "status" | "ask" | "tell"> = {
    isReady: () => true,
    status: (name): GatewayStatus => ({
      name,
      command: name,
      state: "ready",
      connected: true,
      restarts: 0,
      capabilities: this.capabilities,
      queue: { inbound: 0, outbound: 0, unanswered: 0 },
    }),
    ask: async (gateway, request) => {
      this.asked.push({ gateway, request });
      return (await this.answer(request)) ?? { kind: "ok", messageId: `bot-${this.asked.length}` };
    },
    tell: (gateway, hint) => {
      if (hint.type === "ack") this.told.push({ gateway, hint });
      return true;
    },
  };

  /** What was confirmed: ids of messages and of presses. */
  get acks(): string[] {
    return this.told.flatMap(({ hint }) =>
      hint.type === "ack" ? [hint.message_id ?? hint.callback_query_id ?? ""] : [],
    );
  }

  /** What the router has said beside conversations; with answers to presses. */
  get said(): string[] {
    return this.asked.flatMap(({ request }) => {
      if (request.type === "answer_callback_query") return [`press: ${request.text ?? ""}`];
      return request.type === "send_message" && /^(chat|press):/.test(request.request_id) ? [request.content] : [];
    });
  }
}

type Written = z.input<typeof agentAccessSchema>;
export type RoutedOptions = Omit<HarnessOptions, "gateways"> & {
  access?: Written;
  routes?: ReturnType<RouterParts["settings"]>["routes"];
  defaultAgent?: string;
  /** Other agents that are defined, beside `tester`. */
  others?: string[];
  /** To come between the router and its parts. */
  parts?: (parts: RouterParts) => RouterParts;
};

export type Said = {
  id?: string;
  chat?: string;
  type?: string;
  mention?: boolean;
  event?: Partial<MessageEvent>;
};

export type RoutedChats = Harness & {
  readonly router: GatewayRouter;
  readonly gateways: FakeGateways;
  /** Someone says something to the gateway `test`; in a direct message unless `type` says otherwise. */
  say(sender: string, text: string, said?: Said): Promise<void>;
  press(sender: string, data: string, pressed?: { id?: string; chat?: string; gateway?: string }): Promise<void>;
  /** What a button of the question that waits in the chat's session carries. */
  button(choice: ApprovalChoice, chat?: string): Promise<string>;
  /** Events of all sessions of a chat, the oldest session first. */
  eventsIn(chat?: string): Promise<SessionEvent[]>;
  /** How often each outcome was counted. */
  readonly counted: Record<string, number>;
};

/** Without a pause before turns, unless a test is about that. */
const atOnce = { debounce: { enabled: false } };
const prompt = (written: Written = {}): Written => ({
  ...written,
  dm: { queue: atOnce, ...written.dm },
  groups: { queue: atOnce, ...written.groups },
});

/** A router in front of a running runtime with the agent `tester`. */
export function routedChats(options: RoutedOptions): RoutedChats {
  const gateways = new FakeGateways();
  const running = harness({ ...options, gateways: gateways.host });
  const { parts, sessions } = running;
  const counted: Record<string, number> = {};
  const catalog: RouterParts["catalog"] = {
    list: () => [...parts.catalog.list(), ...(options.others ?? []).map((name) => ({ name }))],
    invalid: () => parts.catalog.invalid(),
    async get(name) {
      const agent = await parts.catalog.get(name);
      if (agent) setAccess(agent.definition, prompt(options.access));
      return agent;
    },
  };
  const routerParts: RouterParts = {
    sessions,
    chats: sessions.chats,
    seen: sessions.seen,
    host: gateways.host,
    catalog,
    describe: async ({ content }) => (content.type === "text" ? content.text : `[${content.type}]`),
    settings: () => ({ routes: options.routes ?? [], defaultAgent: options.defaultAgent }),
    clock: parts.clock,
    log: parts.log,
    metrics: {
      ...parts.metrics,
      add: (_name, labels) => (counted[labels?.outcome ?? ""] = (counted[labels?.outcome ?? ""] ?? 0) + 1),
    },
    digest: (text) => parts.digest(text),
    redact: (value) => value,
  };
  const router = createGatewayRouter(options.parts?.(routerParts) ?? routerParts);
  const newest = async (chat: string) => {
    const id = sessions.chats.open({ gateway: "test", chatId: chat });
    return id === undefined ? [] : (await sessions.get(id)).pendingApprovals;
  };
  let count = 0;
  return {
    ...running,
    router,
    gateways,
    counted,
    say: (sender, text, said = {}) =>
      router.received("test", messageOf(sender, text, { id: `m${(count += 1)}`, ...said })),
    press: (sender, data, { id = `p${(count += 1)}`, chat = "dm", gateway = "test" } = {}) =>
      router.received(gateway, pressOf(sender, data, { id, chat })),
    async button(choice, chat = "dm") {
      const [question] = await newest(chat);
      if (!question) throw new Error("no question waits");
      return approvalButton(choice, question.approvalId, (text) => parts.digest(text));
    },
    async eventsIn(chat = "dm") {
      const all: SessionEvent[] = [];
      for (const id of sessions.chats.recentOf({ gateway: "test", chatId: chat }))
        all.push(...(await eventsOf(running, id)));
      return all;
    },
  };
}

function setAccess(definition: AgentDefinition, written: Written): void {
  definition.spec.access = agentAccessSchema.parse(written);
}

export function messageOf(
  sender: string,
  text: string,
  { id = "m", chat = "dm", type = "dm", mention = false, event = {} }: Said,
): MessageEvent {
  return {
    type: "message_received",
    message_id: id,
    chat_id: chat,
    sender: { id: sender, display_name: `name of ${sender}` },
    content: { type: "text", text },
    routing: { channel: "test", chat_type: type, chat_id: chat, sender_id: sender },
    mentions_bot: mention,
    reply_to_bot: false,
    ...event,
  };
}

const pressOf = (sender: string, data: string, { id, chat }: { id: string; chat: string }): PressEvent => ({
  type: "callback_query",
  callback_query_id: id,
  chat_id: chat,
  sender: { id: sender },
  message_id: "prompt",
  data,
});
