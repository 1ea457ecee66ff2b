import type { ApprovalChoice } from "../../src/schema/session-event.ts";
import type { MessageEvent } from "../../src/runtime/gateways/router-parts.ts";

/**
 * Somebody says or presses something, in the group `g` and to the bot unless it says otherwise. There Ann, whose id is 7, has
 * asked for what waits for an answer; the boss (9) may decide, eve (6) is blocked, 8 is a member like any other.
 */
export type Deed = {
  by: string;
  gateway?: string;
  chat?: string;
  type?: string;
  id?: string;
} & (
  | { says: string; unaddressed?: true; event?: Partial<MessageEvent> }
  /** `choice`: of the question that waits. `answered`: of one before it. */
  | { presses: { choice: ApprovalChoice } | { data: string } | "answered" }
);

export type ChatAttack = {
  who: "a member" | "a gateway";
  must_not: string;
  what: string;
  /** The gateway shows no buttons: answers come in words. */
  inWords?: true;
  does: readonly Deed[];
};

const named = (id: string, name: string): Partial<MessageEvent> => ({
  sender: { id, username: name, display_name: name },
});
const routing = (chat: string, type: string, sender: string): Partial<MessageEvent> => ({
  routing: { channel: "test", chat_type: type, chat_id: chat, sender_id: sender },
});

/** After each the question waits, the session is open, and what was decided is as it was. */
export const chatAttacks: readonly ChatAttack[] = [
  ...(["allow_once", "allow_always", "deny"] as const).map((choice): ChatAttack => ({
    who: "a member",
    must_not: "decide another's approval",
    what: `presses ${choice} for what another asked for`,
    does: [{ by: "8", presses: { choice } }],
  })),
  ...["yes", "always", "no"].map((word): ChatAttack => ({
    who: "a member",
    must_not: "decide another's approval",
    what: `answers ${word} to what another asked for`,
    inWords: true,
    does: [{ by: "8", says: word }],
  })),
  {
    who: "a member",
    must_not: "decide another's approval",
    what: "presses an older button, which names no question",
    does: [{ by: "8", presses: { data: "approve:allow_once" } }],
  },
  {
    who: "a member",
    must_not: "decide another's approval",
    what: "has the asker's yes to somebody else taken for an answer",
    inWords: true,
    does: [{ by: "7", says: "yes", unaddressed: true }],
  },
  {
    who: "a member",
    must_not: "decide another's approval",
    what: "says something else, which is no denial but of who asked",
    does: [{ by: "8", says: "stop that, will you", id: "stop" }],
  },
  {
    who: "a member",
    must_not: "decide, end or cancel anything once blocked",
    what: "presses, resets and cancels all the same",
    does: [
      { by: "6", presses: { choice: "allow_once" } },
      { by: "6", says: "/reset" },
      { by: "6", says: "/cancel" },
      { by: "6", says: "/reset", event: routing("g", "group", "7") },
    ],
  },
  {
    who: "a member",
    must_not: "replay an old button",
    what: "presses the button of a question that was answered",
    does: [
      { by: "7", presses: "answered" },
      { by: "9", presses: "answered" },
    ],
  },
  {
    who: "a member",
    must_not: "replay an old button",
    what: "has a press delivered again that decided the question before",
    does: [{ by: "7", presses: { data: "approve:deny" }, id: "denied" }],
  },
  {
    who: "a member",
    must_not: "replay an old button",
    what: "makes up a button",
    does: [
      "approve:allow_once:",
      "approve:allow_once:*",
      "approve:allow_once:__proto__",
      "approve:allow_once:7777777777",
      "approve:ALLOW_ONCE",
      "approve:toString",
      "approve:allow_once\n",
      " approve:allow_once",
      "approve:allow_once:aaaaaaaaaa:aaaaaaaaaa",
    ].map((data): Deed => ({ by: "7", presses: { data } })),
  },
  {
    who: "a member",
    must_not: "replay an old button",
    what: "presses the button in another chat",
    does: [
      { by: "7", presses: { choice: "allow_once" }, chat: "h" },
      { by: "9", presses: { choice: "allow_once" }, chat: "G" },
    ],
  },
  ...["7", "name of 7", "9", "*"].map((name): ChatAttack => ({
    who: "a member",
    must_not: "be matched by display name",
    what: `goes by the name ${JSON.stringify(name)}`,
    inWords: true,
    does: [
      { by: "8", says: "always", event: named("8", name) },
      { by: "8", says: "yes", event: named("8", `${name}\n`) },
    ],
  })),
  {
    who: "a member",
    must_not: "be matched by display name",
    what: "goes by the asker's name while blocked",
    does: [{ by: "6", says: "/reset", event: named("6", "7") }],
  },
  {
    who: "a gateway",
    must_not: "act for another gateway",
    what: "says that the other's button was pressed",
    does: [
      { by: "7", presses: { choice: "allow_once" }, gateway: "evil" },
      { by: "9", presses: { data: "approve:allow_once" }, gateway: "evil" },
      { by: "7", presses: { choice: "allow_once" }, gateway: "Test" },
    ],
  },
  {
    who: "a gateway",
    must_not: "act for another gateway",
    what: "says that the asker answers",
    inWords: true,
    does: [{ by: "7", says: "yes", gateway: "evil" }],
  },
  {
    who: "a gateway",
    must_not: "act for another gateway",
    what: "ends the other's conversation",
    does: [
      { by: "7", says: "/reset", gateway: "evil" },
      { by: "7", says: "/reset", gateway: "evil", event: { metadata: { gateway: "test" } } },
      { by: "7", says: "/cancel", gateway: "TEST" },
    ],
  },
  {
    who: "a gateway",
    must_not: "act for another chat",
    what: "names another chat in what it is routed by",
    does: [
      { by: "7", says: "/reset", chat: "h", type: "dm", event: routing("g", "dm", "7") },
      { by: "7", says: "/cancel", chat: "h", event: routing("g", "group", "7") },
    ],
  },
];
