import assert from "node:assert/strict";
import { test } from "node:test";

import { LoadAPIKeyError, UnsupportedFunctionalityError } from "@ai-sdk/provider";

import { failureOf } from "../../../src/adapters/models/ai-sdk-failure.ts";
import { retryAfterMs } from "../../../src/adapters/models/retry-after.ts";
import { startMockProvider } from "../../support/mock-provider.ts";
import { dialects, modelOf, never, outcomeOf, request } from "./ask.ts";

const nowMs = Date.UTC(2026, 0, 1);

test("Retry-After is read as seconds, as a date, and in the milliseconds that some send", () => {
  assert.equal(retryAfterMs({ "retry-after": "2" }, nowMs), 2000);
  assert.equal(retryAfterMs({ "retry-after": "0.5" }, nowMs), 500);
  assert.equal(retryAfterMs({ "retry-after": "Thu, 01 Jan 2026 00:00:07 GMT" }, nowMs), 7000);
  assert.equal(retryAfterMs({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, nowMs), 0);
  assert.equal(retryAfterMs({ "retry-after-ms": "1500", "retry-after": "9" }, nowMs), 1500);
});

test("a Retry-After that makes no sense is as if it were not there", () => {
  for (const value of ["", "-1", "soon", "NaN"]) assert.equal(retryAfterMs({ "retry-after": value }, nowMs), undefined);
  assert.equal(retryAfterMs({}, nowMs), undefined);
});

for (const provider of dialects) {
  test(`${provider}: what may be retried is what may pass by itself`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    for (const status of [400, 401, 402, 403, 404, 413, 422, 408, 409, 429, 500, 502, 503, 504, 529]) {
      mock.reply({ status, headers: { "retry-after": "3" }, body: { error: { type: "x", message: `no: ${status}` } } });
      const { failure } = await outcomeOf(model.stream(request(), never));
      assert.equal(failure?.status, status);
      assert.equal(failure.message, `no: ${status}`);
      assert.equal(failure.retryable, [408, 409, 429].includes(status) || status >= 500, `status ${status}`);
      assert.equal(failure.retryAfterMs, 3000);
    }
    assert.equal(mock.requests.length, 15, "one call is one request");
  });

  test(`${provider}: an error without JSON is told as it came`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({ status: 502, body: "<h1>Bad Gateway</h1>" });
    assert.match((await outcomeOf(model.stream(request(), never))).failure?.message ?? "", /Bad Gateway/);
    mock.reply({ status: 500, body: "x".repeat(1_000_000) });
    assert.equal((await outcomeOf(model.stream(request(), never))).failure?.message.length, 2000);
    mock.reply({ status: 503, body: "" });
    assert.notEqual((await outcomeOf(model.stream(request(), never))).failure?.message, "");
  });

  test(`${provider}: a key that the provider repeats is not told on`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({
      status: 401,
      body: { error: { type: "authentication_error", message: "wrong key sk-secret-0123456789" } },
    });
    const { failure } = await outcomeOf(model.stream(request(), never));
    assert.equal(failure?.message, "wrong key ***");
    assert.ok(!String(failure.stack).includes("sk-secret") && !String(failure.cause).includes("sk-secret"));
  });

  test(`${provider}: a lost connection may be retried and says what was lost`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({ connection: "cut" });
    const { failure } = await outcomeOf(model.stream(request(), never));
    assert.deepEqual([failure?.status, failure?.retryable], [undefined, true]);
    assert.match(failure?.message ?? "", /connect/i);
  });

  test(`${provider}: a refused connection may be retried`, async () => {
    const mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    await mock[Symbol.asyncDispose]();
    const { failure } = await outcomeOf(model.stream(request(), never));
    assert.equal(failure?.retryable, true);
    assert.match(failure.message, /ECONNREFUSED/);
  });

  test(`${provider}: an error in the middle of a response has its status and its words`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({ chunks: ["one", "two"], after: 3, fault: "error" });
    const { failure } = await outcomeOf(model.stream(request(), never));
    assert.deepEqual([failure?.status, failure?.retryable, failure?.message], [529, true, "Overloaded"]);
  });

  test(`${provider}: a page instead of a stream is a failure`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf(provider, mock);
    mock.reply({ status: 200, headers: { "content-type": "text/html" }, body: "<h1>Log in</h1>" });
    const { failure, parts } = await outcomeOf(model.stream(request(), never));
    assert.equal(failure?.retryable, true);
    assert.deepEqual(parts, []);
  });
}

test("a reasoning effort that nobody knows is refused before anything is sent", async () => {
  await using mock = await startMockProvider();
  const model = await modelOf("openai", mock);
  const { failure } = await outcomeOf(model.stream(request({ settings: { reasoningEffort: "huge" } }), never));
  assert.equal(failure?.retryable, false);
  assert.match(failure.message, /model\.reasoning_effort: huge is none of none, minimal, low/);
  assert.equal(mock.requests.length, 0);
});

test("what fails before anything is sent is not tried again; a broken response is", () => {
  const retryable = (error: unknown) => failureOf(error, { nowMs, secrets: [] }).retryable;
  assert.equal(retryable(new LoadAPIKeyError({ message: "Mistral API key is missing." })), false);
  assert.equal(retryable(new UnsupportedFunctionalityError({ functionality: "tools" })), false);
  assert.equal(retryable(new TypeError("terminated")), true);
  assert.equal(retryable("odd"), true);
});

test("an error inside a stream is understood in every provider's shape", () => {
  const told = (error: unknown) => {
    const { message, status, retryable } = failureOf(error, { nowMs, secrets: [] });
    return [message, status, retryable];
  };
  assert.deepEqual(told({ type: "error", error: { type: "rate_limit_error", message: "slow" } }), ["slow", 429, true]);
  assert.deepEqual(told({ message: "Provider returned error", code: 502 }), ["Provider returned error", 502, true]);
  assert.deepEqual(told({ code: "invalid_request_error", message: "no" }), ["no", 400, false]);
  assert.deepEqual(told({ type: "response.failed", response: { error: { code: "server_error", message: "x" } } }), [
    "x",
    500,
    true,
  ]);
  assert.deepEqual(told('{"error":{"message":"as text"}}'), ["as text", undefined, true]);
  assert.deepEqual(told([{ error: { code: 503, message: "in a list" } }]), ["in a list", 503, true]);
  assert.equal(told({})[2], true);
});
