import assert from "node:assert/strict";
import { test } from "node:test";

import type { ModelMessage, ModelPart } from "../../../src/ports/model.ts";
import { framesOf, startMockProvider } from "../../support/mock-provider.ts";
import { callsOf, dialects, finishOf, modelOf, never, outcomeOf, request, textOf } from "./ask.ts";

const bash = { name: "bash", description: "Runs a command.", parameters: { type: "object", properties: {} } };

for (const provider of dialects) {
  test(`${provider}: text, thoughts, calls and usage arrive whole and in order`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({
      thinking: { text: "Hm.", signature: "sig" },
      chunks: ["It ", "is ", "fine 👋"],
      toolCalls: [{ name: "bash", arguments: { command: "ls" } }],
      usage: { input: 100, output: 20, cached: 60 },
    });
    const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    assert.deepEqual(
      parts.flatMap((part) => (part.type === "text" || part.type === "thinking" ? [part.text] : [])),
      ["Hm.", "It ", "is ", "fine 👋"],
    );
    assert.deepEqual(
      callsOf(parts).map(({ call }) => [call.tool_name, call.arguments]),
      [["bash", { command: "ls" }]],
    );
    const finish = finishOf(parts);
    assert.equal(finish.stop, "tool_calls");
    assert.deepEqual(finish.usage, {
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      cached_prompt_tokens: 60,
    });
  });

  test(`${provider}: each piece of text is handed on before the next has been sent`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    const reply = mock.reply({ chunks: ["one", "two"], held: true });
    const parts = withoutUsage(model.stream(request(), never));
    for (const text of ["one", "two"]) {
      const next = parts.next();
      await reply.next();
      assert.deepEqual((await next).value, { type: "text", text });
    }
    reply.release();
    assert.equal((await parts.next()).value?.type, "finish");
  });

  const answer = {
    thinking: { text: "Hm.", signature: "sig" },
    chunks: ["one", "two"],
    toolCalls: [{ name: "bash", arguments: { command: "ls -la /tmp" } }],
  };
  const frameCount = framesOf(answer, provider === "anthropic" ? "anthropic" : "chat").length;
  for (const how of ["cut", "end", "error"] as const) {
    test(`${provider}: a stream that meets "${how}" after any of its frames is a failure that may be retried, without a call`, async () => {
      await using mock = await startMockProvider();
      const model = await modelOf(provider, mock);
      // In the chat dialect the finish reason is the end marker; usage and [DONE] come after it.
      const marker = provider === "anthropic" ? frameCount : frameCount - 2;
      for (let after = 0; after < marker; after += 1) {
        mock.reply({ ...answer, after, fault: how });
        const { parts, failure } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
        assert.ok(failure, `no failure after ${after} frames`);
        assert.equal(failure.retryable, true, `after ${after} frames: ${failure.message}`);
        assert.deepEqual(callsOf(parts), [], `a call after ${after} frames`);
      }
    });
  }

  test(`${provider}: arguments that are not JSON stay the text that they are`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    for (const text of ['{"command": "ls', "[1]", "null", '"x"', "{}x"]) {
      mock.reply({ toolCalls: [{ name: "bash", arguments: text }] });
      const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
      const [made] = callsOf(parts);
      assert.equal(made?.invalidArguments, text);
      assert.equal(made.call.arguments, text);
      assert.equal(finishOf(parts).stop, "tool_calls");
    }
  });

  test(`${provider}: a call of a tool that is not offered is handed on as it is`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({ toolCalls: [{ name: "no such tool!", arguments: { x: 1 } }] });
    const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    const [made] = callsOf(parts);
    assert.equal(made?.call.tool_name, "no such tool!");
    mock.reply({ chunks: ["sorry"] });
    await outcomeOf(
      model.stream(request({ tools: [bash], messages: [...request().messages, ...history(made.call)] }), never),
    );
    assert.ok(JSON.stringify(mock.requests.at(-1)?.body).includes("no_such_tool_"));
  });

  test(`${provider}: two megabytes of arguments arrive whole`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    const content = "é".repeat(1_000_000);
    mock.reply({ toolCalls: [{ name: "bash", arguments: { content } }] });
    const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    assert.deepEqual(callsOf(parts)[0]?.call.arguments, { content });
    const announced = parts.reduce((sum, part) => sum + (part.type === "progress" ? part.bytes : 0), 0);
    assert.ok(announced >= 2_000_000);
  });

  test(`${provider}: ids that a server counts anew in each response are replaced, others are kept`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({
      toolCalls: [
        { id: "call_0", name: "bash", arguments: {} },
        { id: "call_0", name: "bash", arguments: {} },
        { id: "call_kept_0123456789", name: "bash", arguments: {} },
      ],
    });
    const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    const ids = callsOf(parts).map(({ call }) => call.call_id);
    assert.equal(new Set(ids).size, 3);
    assert.ok(!ids.includes("call_0"));
    assert.equal(ids[2], "call_kept_0123456789");
    mock.reply({ toolCalls: [{ id: "call_kept_0123456789", name: "bash", arguments: {} }] });
    const messages = [...request().messages, ...callsOf(parts).flatMap(({ call }) => history(call))];
    const again = await outcomeOf(model.stream(request({ tools: [bash], messages }), never));
    assert.notEqual(callsOf(again.parts)[0]?.call.call_id, "call_kept_0123456789");
  });

  test(`${provider}: an abort ends the stream with its reason and closes the connection`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    const reply = mock.reply({ chunks: ["one", "two"], held: true });
    const cancel = new AbortController();
    const parts = withoutUsage(model.stream(request(), cancel.signal));
    const first = parts.next();
    await reply.next();
    await first;
    const next = parts.next();
    cancel.abort(new Error("cancelled by the user"));
    await assert.rejects(next, /cancelled by the user/);
    assert.deepEqual(await reply.closed, { clientLeft: true });
  });

  test(`${provider}: a reader that leaves early closes the connection`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    const reply = mock.reply({ chunks: ["one", "two"], after: 4, fault: "stall" });
    for await (const part of model.stream(request(), never)) if (part.type === "text") break;
    assert.deepEqual(await reply.closed, { clientLeft: true });
  });

  test(`${provider}: a response cut at its length keeps whole calls and drops those that had not begun`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    const stopReason = provider === "anthropic" ? "max_tokens" : "length";
    mock.reply({ chunks: ["so"], stopReason });
    assert.equal(finishOf((await outcomeOf(model.stream(request(), never))).parts).stop, "length");
    mock.reply({
      stopReason,
      toolCalls: [
        { name: "bash", arguments: { a: 1 } },
        { name: "bash", arguments: '{"b":' },
      ],
    });
    const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    assert.deepEqual(
      callsOf(parts).map((part) => part.invalidArguments),
      [undefined, '{"b":'],
    );
    mock.reply({ chunks: ["so"], stopReason, toolCalls: [{ name: "bash", arguments: "" }] });
    const begun = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    assert.deepEqual([callsOf(begun.parts).length, finishOf(begun.parts).stop], [0, "length"]);
  });

  test(`${provider}: a refusal runs nothing`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    const stopReason = provider === "anthropic" ? "refusal" : "content_filter";
    mock.reply({ chunks: ["no"], stopReason, toolCalls: [{ name: "bash", arguments: {} }] });
    const { parts } = await outcomeOf(model.stream(request({ tools: [bash] }), never));
    assert.deepEqual([callsOf(parts).length, finishOf(parts).stop, textOf(parts)], [0, "refused", "no"]);
  });
}

async function* withoutUsage(parts: AsyncIterable<ModelPart>): AsyncGenerator<ModelPart> {
  for await (const part of parts) if (part.type !== "usage") yield part;
}

function history(call: { call_id: string; tool_name: string; arguments: unknown }): ModelMessage[] {
  return [
    { role: "assistant", content: "", toolCalls: [{ ...call, arguments: {} }] },
    { role: "tool", results: [{ callId: call.call_id, toolName: call.tool_name, content: "done", success: true }] },
  ];
}
