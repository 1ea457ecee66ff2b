import { chatTypeOf } from "./chat-type.ts";

/** One entry of `routes:`: every condition that is given must hold. */
export type Route = {
  readonly match: {
    readonly gateway?: string | undefined;
    readonly chat_type?: string | undefined;
    readonly chat_id?: string | undefined;
    readonly sender_id?: string | undefined;
  };
  readonly agent: string;
};

/** What a message is routed by. `gateway` is the configured name. */
export type RoutedBy = {
  readonly gateway: string;
  readonly chatType: string;
  readonly chatId: string;
  readonly senderId: string;
};

type Agents = {
  readonly defaultAgent?: string | undefined;
  /** Names of all that are defined, invalid ones included: one that can not answer does not make another the only one. */
  readonly defined: readonly string[];
};

/** The agent that answers: of the first route that fits, else the default one, else the only one. Nothing: nobody does. */
export function agentFor(message: RoutedBy, routes: readonly Route[], agents: Agents): string | undefined {
  const route = routes.find(({ match }) => fits(match, message));
  if (route) return route.agent;
  if (agents.defaultAgent !== undefined) return agents.defaultAgent;
  return agents.defined.length === 1 ? agents.defined[0] : undefined;
}

function fits(
  { gateway, chat_type: type, chat_id: chat, sender_id: sender }: Route["match"],
  message: RoutedBy,
): boolean {
  return (
    (gateway === undefined || gateway.toLowerCase() === message.gateway.toLowerCase()) &&
    (type === undefined || isSameType(type, message.chatType)) &&
    (chat === undefined || chat === message.chatId) &&
    (sender === undefined || sender === message.senderId)
  );
}

/** `channel` and what is unknown stand for themselves here: a route for groups need not mean them. */
function isSameType(written: string, said: string): boolean {
  return shortType(written) === shortType(said);
}

function shortType(written: string): string {
  const name = written.toLowerCase();
  if (name === "supergroup") return "group";
  return chatTypeOf(name) === "dm" ? "dm" : name;
}
