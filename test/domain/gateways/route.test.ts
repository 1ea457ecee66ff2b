import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { agentFor, type Route, type RoutedBy } from "../../../src/domain/gateways/route.ts";

const message: RoutedBy = { gateway: "telegram", chatType: "group", chatId: "-100", senderId: "7" };
const nobody = { defined: ["a", "b"] };

test("a route fits when all that it says fits", () => {
  const cases: [Route["match"], Partial<RoutedBy>, boolean][] = [
    [{}, {}, true],
    [{ gateway: "Telegram" }, {}, true],
    [{ gateway: "telegram-work" }, {}, false],
    [{ chat_type: "Group" }, {}, true],
    [{ chat_type: "supergroup" }, {}, true],
    [{ chat_type: "group" }, { chatType: "SuperGroup" }, true],
    [{ chat_type: "group" }, { chatType: "channel" }, false],
    [{ chat_type: "channel" }, { chatType: "channel" }, true],
    [{ chat_type: "dm" }, { chatType: "private" }, true],
    [{ chat_type: "private" }, { chatType: "DM" }, true],
    [{ chat_type: "dm" }, {}, false],
    [{ chat_id: "-100" }, {}, true],
    [{ chat_id: "-1001" }, {}, false],
    [{ chat_id: "-10*" }, {}, false],
    [{ chat_id: "Room" }, { chatId: "room" }, false],
    [{ sender_id: "7" }, {}, true],
    [{ sender_id: "77" }, {}, false],
    [{ gateway: "telegram", chat_type: "group", chat_id: "-100", sender_id: "7" }, {}, true],
    [{ gateway: "telegram", chat_type: "group", chat_id: "-100", sender_id: "8" }, {}, false],
    [{ gateway: "discord", chat_type: "group", chat_id: "-100", sender_id: "7" }, {}, false],
  ];
  for (const [match, said, fits] of cases)
    assert.equal(
      agentFor({ ...message, ...said }, [{ match, agent: "routed" }], nobody),
      fits ? "routed" : undefined,
      `${JSON.stringify(match)} ${JSON.stringify(said)}`,
    );
});

test("without a route the default agent answers, else the only one that is defined, else nobody", () => {
  assert.equal(agentFor(message, [], { defaultAgent: "b", defined: ["a"] }), "b");
  assert.equal(agentFor(message, [], { defined: ["a"] }), "a");
  assert.equal(agentFor(message, [], { defined: ["a", "broken"] }), undefined);
  assert.equal(agentFor(message, [], { defined: [] }), undefined);
});

const few = fc.constantFrom("a", "b", "A", "group", "private", "dm", "supergroup");
const matches = fc.record({ gateway: few, chat_type: few, chat_id: few, sender_id: few }, { requiredKeys: [] });
const routes = fc.array(fc.record({ match: matches, agent: fc.string() }), { maxLength: 6 });
const messages = fc.record({ gateway: few, chatType: few, chatId: few, senderId: few });

test("the first route that fits by itself is the one that counts", () => {
  fc.assert(
    fc.property(messages, routes, (said, written) => {
      const own = written.find((route) => agentFor(said, [{ ...route, agent: "fits" }], { defined: [] }) === "fits");
      assert.equal(agentFor(said, written, { defaultAgent: "else", defined: [] }), own?.agent ?? "else");
    }),
  );
});

test("a condition more never makes a route fit that did not", () => {
  fc.assert(
    fc.property(messages, matches, matches, (said, match, more) => {
      const fits = (one: Route["match"]) => agentFor(said, [{ match: one, agent: "fits" }], { defined: [] }) === "fits";
      if (!fits(match)) assert.equal(fits({ ...more, ...match }), false);
    }),
  );
});
