import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { contextUse, fitRequest } from "../../../src/domain/prompt/fit-request.ts";
import { messagesTokens, textTokens } from "../../../src/domain/prompt/tokens.ts";
import {
  agent,
  anyMaterial,
  closed,
  contextDefaults,
  grammarFault,
  material,
  open,
  toolUse,
  user,
} from "./conversations.ts";

const words = (tokens: number): string => "word".repeat(tokens);

test("a short conversation is sent as it is", () => {
  const turns = [closed(user("hi"), agent("hello")), open(user("and now?"))];
  const fitted = fitRequest(material({ turns }));
  assert.deepEqual(fitted.request.messages, [user("hi"), agent("hello"), user("and now?")]);
  assert.equal(fitted.request.system, "You help.");
  assert.equal(fitted.omittedMessages, 0);
});

test("the oldest turns are left out first, whole, and one line says how many messages they had", () => {
  const turns = [1, 2, 3, 4].map((number) => closed(user(`question ${number}`), agent(words(900))));
  const context = { ...contextDefaults, maxHistoryTokens: 2_000 };
  const fitted = fitRequest(material({ turns: [...turns, open(user("now"))], context }));
  assert.deepEqual(
    fitted.request.messages.filter((message) => message.role === "user"),
    [user("question 3"), user("question 4"), user("now")],
  );
  assert.equal(fitted.omittedMessages, 4);
  assert.match(fitted.request.system, /\n\n\(4 older messages of this conversation are left out here\.\)$/);
});

test("an older turn that would fit is not taken once a newer one did not", () => {
  const turns = [closed(user("small")), closed(user(words(3_000))), closed(user("newest"))];
  const context = { ...contextDefaults, maxHistoryTokens: 1_000 };
  assert.deepEqual(fitRequest(material({ turns, context })).request.messages, [user("newest")]);
});

test("the window bounds the history where max_history_tokens does not", () => {
  const turns = [1, 2, 3].map((number) => closed(user(`${number}`), agent(words(1_000))));
  const context = { ...contextDefaults, maxHistoryTokens: 0 };
  // 6,000 less 4,096 for the answer, 10 % and the system message leave about 1,260.
  const fitted = fitRequest(material({ turns, context, windowTokens: 6_000 }));
  assert.equal(fitted.omittedMessages, 4);
  assert.equal(fitted.windowTokens, 6_000);
});

test("a provider that counts twice as many tokens gets half as much history", () => {
  const turns = Array.from({ length: 10 }, (_, index) => closed(user(`${index}`), agent(words(1_000))));
  const context = { ...contextDefaults, maxHistoryTokens: 8_100 };
  const shown = (ratio: number) => fitRequest(material({ turns, context, ratio })).request.messages.length / 2;
  assert.equal(shown(1), 8);
  assert.equal(shown(2), 4);
});

test("the open turn is never cut: its oldest results give way, the newest is shortened last", () => {
  const uses = [1, 2, 3].flatMap((number) => toolUse(`c${number}`, words(2_000)));
  const fitted = fitRequest(
    material({ turns: [open(user("go"), ...uses)], windowTokens: 7_000, model: { maxOutputTokens: 500 } }),
  );
  const results = fitted.request.messages.flatMap((message) => (message.role === "tool" ? message.results : []));
  assert.equal(results[0]?.content, "[result masked: about 2000 tokens removed]");
  assert.equal(results[2]?.content, words(2_000));
  assert.equal(fitted.request.messages.length, 7);
  assert.ok(fitted.estimatedTokens <= 7_000 - 500 - 700);

  const tight = fitRequest(
    material({ turns: [open(user("go"), ...uses)], windowTokens: 2_000, model: { maxOutputTokens: 500 } }),
  );
  const last = tight.request.messages.at(-1);
  assert.match(
    last?.role === "tool" ? (last.results[0]?.content ?? "") : "",
    /^word.*\n\[cut: about \d+ of 2000 tokens left out\]\n.*word$/s,
  );
  assert.ok(tight.estimatedTokens <= 2_000 - 500 - 200);
});

for (const [keep, pattern] of [
  ["head", /^word.*word\n\[cut: about 900 of 1000 tokens left out\]$/s],
  ["tail", /^\[cut: about 900 of 1000 tokens left out\]\nword.*word$/s],
  ["both", /^word.*word\n\[cut: about 900 of 1000 tokens left out\]\nword.*word$/s],
] as const) {
  test(`a long tool result is cut at its limit, keeping ${keep}`, () => {
    const context = { ...contextDefaults, maxToolResultTokens: 100, toolResultTruncation: keep };
    const fitted = fitRequest(material({ turns: [open(user("go"), ...toolUse("c", words(1_000)))], context }));
    const last = fitted.request.messages.at(-1);
    const content = last?.role === "tool" ? (last.results[0]?.content ?? "") : "";
    assert.match(content, pattern);
    assert.ok(textTokens(content) <= 100 + 20);
  });
}

test("the mark of a cut result names the artifact that holds the whole", () => {
  const turn = { ...open(user("go"), ...toolUse("c", words(1_000))), artifacts: { c: "my-assistant/run-1.txt" } };
  const context = { ...contextDefaults, maxToolResultTokens: 100 };
  const last = fitRequest(material({ turns: [turn], context })).request.messages.at(-1);
  assert.match(
    last?.role === "tool" ? (last.results[0]?.content ?? "") : "",
    /the whole is in artifact my-assistant\/run-1\.txt \(the tool artifact, .*\)\]$/,
  );
});

test("from the second iteration on the results between the first two and the last five are masked", () => {
  const uses = Array.from({ length: 9 }, (_, index) => toolUse(`c${index}`, `result ${index} ${words(50)}`)).flat();
  const shown = (iteration: number) =>
    fitRequest(material({ turns: [open(user("go"), ...uses)], iteration }))
      .request.messages.flatMap((message) => (message.role === "tool" ? message.results : []))
      .map((result) => result.content.startsWith("[result masked"));
  assert.deepEqual(shown(1), Array(9).fill(false));
  assert.deepEqual(shown(2), [false, false, true, true, false, false, false, false, false]);
});

test("a summary stands before the turns, as a message and not as the system's words", () => {
  const fitted = fitRequest(material({ summary: "They like tea.", turns: [open(user("hi"))] }));
  assert.match(
    fitted.request.messages[0]?.role === "user" ? fitted.request.messages[0].content : "",
    /^\[Summary .*\n\nThey like tea\.$/s,
  );
  assert.equal(fitted.request.system, "You help.");
});

test("the use of the context counts the whole conversation, also what would be left out", () => {
  const turns = [closed(user(words(50_000))), closed(user(words(50_000)))];
  assert.ok(contextUse(fitRequest(material({ turns, windowTokens: 120_000 }))) > 0.8);
  assert.ok(contextUse(fitRequest(material({ turns, windowTokens: 200_000 }))) < 0.6);
  // However little of it was taken along.
  const shares = [100, 60_000, 1_000_000].map((maxHistoryTokens) => {
    const fitted = fitRequest(
      material({ turns, windowTokens: 400_000, context: { ...contextDefaults, maxHistoryTokens } }),
    );
    return contextUse(fitted);
  });
  assert.equal(new Set(shares).size, 1);
});

test("no budget separates a call from its result, cuts the open turn or takes a turn in part", () => {
  fc.assert(
    fc.property(anyMaterial, (given) => {
      const { request, omittedMessages } = fitRequest(given);
      assert.equal(grammarFault(request.messages), null);
      const total = given.turns.reduce((sum, turn) => sum + turn.messages.length, 0);
      const summary = given.summary === null ? 0 : 1;
      assert.equal(request.messages.length, total - omittedMessages + summary);
      const boundaries = given.turns.map((_, index) =>
        given.turns.slice(0, index).reduce((sum, turn) => sum + turn.messages.length, 0),
      );
      assert.ok([...boundaries, total].includes(omittedMessages), "cut inside a turn");
      const openLength = given.turns.find((turn) => turn.open)?.messages.length ?? 0;
      assert.ok(request.messages.length >= openLength + summary);
    }),
    { numRuns: 150 },
  );
});

test("closed turns never take more than the budget and the cap", () => {
  fc.assert(
    fc.property(anyMaterial, (given) => {
      const { request, omittedMessages, estimatedTokens } = fitRequest(given);
      const openLength = given.turns.find((turn) => turn.open)?.messages.length ?? 0;
      const past = request.messages.slice(given.summary === null ? 0 : 1, request.messages.length - openLength);
      const cap = given.context.maxHistoryTokens;
      if (cap > 0) assert.ok(messagesTokens(past) * given.ratio <= cap + 1);
      if (past.length > 0) {
        const output = given.model.maxOutputTokens ?? 4096;
        assert.ok(
          estimatedTokens <= given.windowTokens - output - Math.floor(given.windowTokens / 10) + 2 * given.ratio + 2,
        );
      }
      assert.ok(omittedMessages >= 0);
    }),
    { numRuns: 150 },
  );
});

test("the same material gives the same request", () => {
  fc.assert(
    fc.property(anyMaterial, (given) => {
      assert.deepEqual(fitRequest(given), fitRequest(structuredClone(given)));
    }),
    { numRuns: 50 },
  );
});
