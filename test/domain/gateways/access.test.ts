import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import type { z } from "zod";

import { admit, dispositionOf, isApprover, queueOf, type Speaker } from "../../../src/domain/gateways/access.ts";
import { agentAccessSchema, type AgentAccess } from "../../../src/schema/agent-access.ts";

type Written = z.input<typeof agentAccessSchema>;
const access = (written: Written = {}): AgentAccess => agentAccessSchema.parse(written);
const dm: Speaker = { chatType: "dm", channel: "telegram", chatId: "7", senderId: "7" };
const group: Speaker = { chatType: "group", channel: "telegram", chatId: "-100", senderId: "7" };

const shown = (written: Written, speaker: Speaker, addressed: boolean): string => {
  const admission = admit(access(written), speaker, addressed);
  return Object.values(admission).join(" ");
};

test("who may talk to an agent alone", () => {
  const cases: [Written, string][] = [
    [{}, "allow"],
    [{ dm: { policy: "disabled", allowlist: ["7"] } }, "refused dm"],
    [{ dm: { policy: "allowlist" } }, "refused dm"],
    [{ dm: { policy: "allowlist", allowlist: ["8", "7"] } }, "allow"],
    [{ dm: { policy: "allowlist", allowlist: ["77"] } }, "refused dm"],
    [{ dm: { policy: "allowlist", allowlist: ["7*"] } }, "allow"],
    [{ dm: { policy: "allowlist", allowlist: ["*"] } }, "allow"],
    // Rules of groups are no rules for direct messages.
    [{ groups: { policy: "disabled", sender_default: "block" } }, "allow"],
  ];
  for (const [written, wanted] of cases) assert.equal(shown(written, dm, false), wanted, JSON.stringify(written));
});

test("who may talk to an agent in a group, and how", () => {
  const cases: [Written, boolean, string][] = [
    [{}, true, "allow"],
    // Also where nothing is written, an agent listens only when it is meant.
    [{}, false, "context silent"],
    [{ groups: { activation: "always" } }, false, "allow"],
    [{ groups: { context_buffer: { mode: "passive" } } }, false, "context passive"],
    [{ groups: { policy: "disabled" } }, true, "refused group"],
    [{ groups: { policy: "allowlist", allowlist: ["telegram:-100"] } }, true, "allow"],
    [{ groups: { policy: "allowlist", allowlist: ["telegram:-10*"] } }, true, "allow"],
    [{ groups: { policy: "allowlist", allowlist: ["telegram:*"] } }, true, "allow"],
    [{ groups: { policy: "allowlist", allowlist: ["discord:-100"] } }, true, "refused group"],
    [{ groups: { policy: "allowlist", allowlist: ["-100"] } }, true, "refused group"],
    [{ groups: { policy: "allowlist", allowlist: ["7"] } }, true, "refused group"],
    [{ groups: { sender_default: "block" } }, true, "refused sender"],
    [{ groups: { sender_default: "block", sender_overrides: { 7: "allow" } } }, true, "allow"],
    [{ groups: { sender_overrides: { 7: "block" } } }, true, "refused sender"],
    [{ groups: { sender_default: "passive" } }, true, "listed passive"],
    [{ groups: { sender_default: "silent", activation: "always" } }, false, "listed silent"],
    [{ dm: { policy: "disabled" } }, true, "allow"],
  ];
  for (const [written, addressed, wanted] of cases)
    assert.equal(shown(written, group, addressed), wanted, `${JSON.stringify(written)} ${addressed}`);
});

test("where an event does not say which platform it comes from, the chat's id is compared", () => {
  const { channel: _, ...nowhere } = group;
  assert.equal(shown({ groups: { policy: "allowlist", allowlist: ["telegram:-100"] } }, nowhere, true), "allow");
  assert.equal(shown({ groups: { policy: "allowlist", allowlist: ["*"] } }, nowhere, true), "allow");
  for (const other of ["telegram:-1001", "telegram:", "-100"])
    assert.equal(shown({ groups: { policy: "allowlist", allowlist: [other] } }, nowhere, true), "refused group", other);
});

test("an id itself counts before any pattern, and of patterns the longest", () => {
  const overrides = { "*": "silent", "1*": "passive", "12*": "block", "12": "allow", "1**": "silent" } as const;
  const of = (id: string) => dispositionOf(access({ groups: { sender_overrides: overrides } }).groups, id);
  const cases = { "12": "allow", "123": "block", "13": "passive", "2": "silent", "1*": "passive", "1*5": "silent" };
  for (const [id, wanted] of Object.entries(cases)) assert.equal(of(id), wanted, id);
  assert.equal(dispositionOf(access({ groups: { sender_default: "passive" } }).groups, "toString"), "passive");
});

test("whoever is to decide for others stands there with an id", () => {
  assert.equal(isApprover(access({ approvers: ["7", "slack-U*"] }), "7"), true);
  assert.equal(isApprover(access({ approvers: ["7", "slack-U*"] }), "slack-U1"), true);
  for (const id of ["8", "77", "", "SLACK-U1"])
    assert.equal(isApprover(access({ approvers: ["7", "slack-U*"] }), id), false);
  assert.equal(isApprover(access(), ""), false);
});

test("chats with one and with many people have queues of their own", () => {
  const own = access({ dm: { queue: { mode: "drop" } }, groups: { queue: { mode: "sequential" } } });
  assert.equal(queueOf(own, "dm").mode, "drop");
  assert.equal(queueOf(own, "group").mode, "sequential");
});

const ids = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 4 });
const dispositions = fc.constantFrom("allow", "passive", "silent", "block");
const overrides = fc.dictionary(ids, dispositions, { maxKeys: 6 });

test("a sender's disposition is that of a rule which fits and than which none that fits is longer", () => {
  fc.assert(
    fc.property(overrides, dispositions, ids, (rules, otherwise, id) => {
      const found = dispositionOf(
        access({ groups: { sender_overrides: rules, sender_default: otherwise } }).groups,
        id,
      );
      if (Object.hasOwn(rules, id)) return assert.equal(found, rules[id]);
      const fitting = Object.keys(rules).filter((rule) => rule.endsWith("*") && id.startsWith(rule.slice(0, -1)));
      const longest = fitting.toSorted((a, b) => b.length - a.length)[0];
      assert.equal(found, longest === undefined ? otherwise : rules[longest]);
    }),
  );
});

test("nobody is let in who stands on no list that is asked for", () => {
  const speakers = fc.record({
    chatType: fc.constantFrom("dm" as const, "group" as const),
    channel: ids,
    chatId: ids,
    senderId: ids,
  });
  fc.assert(
    fc.property(speakers, fc.boolean(), (speaker, addressed) => {
      const closed = access({ dm: { policy: "allowlist" }, groups: { policy: "allowlist" } });
      assert.equal(admit(closed, speaker, addressed).kind, "refused");
      const disabled = access({
        dm: { policy: "disabled", allowlist: ["*"] },
        groups: { policy: "disabled", allowlist: ["*"] },
      });
      assert.equal(admit(disabled, speaker, addressed).kind, "refused");
    }),
  );
});
