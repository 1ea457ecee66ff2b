import type { AgentAccess, ChatQueue } from "../../schema/agent-access.ts";
import type { ChatType } from "./chat-type.ts";

export type Disposition = AgentAccess["groups"]["sender_default"];

/** Who says something where. Ids only: names are what people chose for themselves. */
export type Speaker = {
  readonly chatType: ChatType;
  /** The platform, as the gateway names it; absent where an event does not say: then a chat's id is enough. */
  readonly channel?: string | undefined;
  readonly chatId: string;
  readonly senderId: string;
};

/**
 * What becomes of what somebody says. `context`: said in a group, but not to the agent. `refused`: nothing is said about
 * it either.
 */
export type Admission =
  | { readonly kind: "allow" }
  | { readonly kind: "context"; readonly disposition: "passive" | "silent" }
  | { readonly kind: "listed"; readonly disposition: "passive" | "silent" }
  | { readonly kind: "refused"; readonly reason: "dm" | "group" | "sender" };

/** `addressed`: the bot was mentioned, or its message replied to. */
export function admit(access: AgentAccess, speaker: Speaker, addressed: boolean): Admission {
  const { dm, groups } = access;
  if (speaker.chatType === "dm")
    return lets(dm.policy, () => matchesAny(dm.allowlist, speaker.senderId))
      ? { kind: "allow" }
      : { kind: "refused", reason: "dm" };
  if (!lets(groups.policy, () => isListed(groups.allowlist, speaker))) return { kind: "refused", reason: "group" };
  const disposition = dispositionOf(groups, speaker.senderId);
  if (disposition === "block") return { kind: "refused", reason: "sender" };
  if (disposition !== "allow") return { kind: "listed", disposition };
  if (addressed || groups.activation === "always") return { kind: "allow" };
  return { kind: "context", disposition: groups.context_buffer.mode };
}

/** Whether somebody may decide what others asked for. */
export const isApprover = (access: AgentAccess, senderId: string): boolean => matchesAny(access.approvers, senderId);

export const queueOf = (access: AgentAccess, chatType: ChatType): ChatQueue =>
  chatType === "dm" ? access.dm.queue : access.groups.queue;

/** Of a group's member: the longest pattern that fits, an id itself before any pattern. */
export function dispositionOf(
  { sender_default: otherwise, sender_overrides: overrides }: AgentAccess["groups"],
  senderId: string,
): Disposition {
  const fitting = Object.entries(overrides).filter(([pattern]) => matches(pattern, senderId));
  const exact = fitting.find(([pattern]) => pattern === senderId);
  const longest = fitting.reduce<[string, Disposition] | undefined>(
    (best, one) => (best === undefined || one[0].length > best[0].length ? one : best),
    undefined,
  );
  return (exact ?? longest)?.[1] ?? otherwise;
}

function lets(policy: AgentAccess["dm"]["policy"], isOnList: () => boolean): boolean {
  if (policy === "disabled") return false;
  return policy === "open" || isOnList();
}

const matchesAny = (patterns: readonly string[], id: string): boolean => patterns.some((one) => matches(one, id));

/** A `*` at the end stands for anything, also for nothing; elsewhere it is a character like any other. */
const matches = (pattern: string, id: string): boolean =>
  pattern === id || (pattern.endsWith("*") && id.startsWith(pattern.slice(0, -1)));

function isListed(allowlist: readonly string[], { channel, chatId }: Speaker): boolean {
  if (channel !== undefined) return matchesAny(allowlist, `${channel}:${chatId}`);
  return allowlist.some((entry) => {
    const at = entry.indexOf(":");
    return at === -1 ? entry.endsWith("*") : matches(entry.slice(at + 1), chatId);
  });
}
