import assert from "node:assert/strict";
import { test } from "node:test";

import { z } from "zod";

import { jsonSchemaFiles } from "../../src/schema/json-schemas.ts";
import { payloads } from "../../src/schema/session-event.ts";
import { withVariables } from "../../src/schema/with-variables.ts";

// Read back by zod, so that what the files say is tested by what they accept.
function accepts(file: string): (value: unknown) => boolean {
  const schema = z.fromJSONSchema(JSON.parse(jsonSchemaFiles().get(file)!));
  return (value) => schema.safeParse(value).success;
}

test("every event type is in the schema of the log", () => {
  const text = jsonSchemaFiles().get("session-event.schema.json")!;
  for (const type of Object.keys(payloads)) assert.ok(text.includes(`"const": "${type}"`), type);
});

test("a line of a log fits its schema, a line with a wrong payload does not", () => {
  const fits = accepts("session-event.schema.json");
  const line = { seq: 3, timestamp: "2026-11-21T10:00:00.000Z", type: "session_end", reason: "completed" };
  assert.equal(fits({ ...line, epoch: 1, b: 1, crc: "00ff00ff" }), true);
  assert.equal(fits({ ...line, reason: "bored" }), false);
  assert.equal(fits({ ...line, crc: "none" }), false);
  assert.equal(fits({ ...line, seq: 0 }), false);
});

test("duragent.yaml may hold variables and name files, but no unknown key", () => {
  const fits = accepts("duragent.schema.json");
  assert.equal(fits({ server: { port: 8080 } }), true);
  assert.equal(fits({ server: { port: "${PORT:-8080}", request_timeout_seconds: "${TIMEOUT}" } }), true);
  assert.equal(fits({ server: { api_token_file: "/run/secrets/token" } }), true);
  assert.equal(fits({ server: { port: "eighty" } }), false);
  assert.equal(fits({ server: { prot: 8080 } }), false);
});

test("an agent may be written in its short and in its long form", () => {
  const fits = accepts("agent.schema.json");
  const model = { provider: "scripted", name: "demo.yaml" };
  assert.equal(fits({ name: "demo", model }), true);
  assert.equal(
    fits({ apiVersion: "duragent/v1alpha1", kind: "Agent", metadata: { name: "demo" }, spec: { model } }),
    true,
  );
  assert.equal(fits({ name: "demo", modle: model }), false);
});

test("a model's script has a schema of its own", () => {
  const fits = accepts("script.schema.json");
  assert.equal(fits({ rules: [{ when: "^hi$", say: "hello" }], delay: { per_token_ms: 5 } }), true);
  assert.equal(fits({ rules: [{ when: "^hi$", says: "hello" }] }), false);
  assert.equal(fits({ rules: [] }), false);
});

test("a policy has a schema of its own", () => {
  const fits = accepts("policy.schema.json");
  assert.equal(fits({ mode: "dangerous", deny: ["bash:rm"], notify: { deliveries: [{ type: "log" }] } }), true);
  assert.equal(fits({ mode: "maybe" }), false);
  assert.equal(fits({ denny: [] }), false);
});

test("a variable may stand for any scalar but one that tells alternatives apart", () => {
  const variable = { type: "string", pattern: "\\$\\{[A-Za-z_]" };
  assert.deepEqual(withVariables({ type: "boolean" }), { anyOf: [{ type: "boolean" }, variable] });
  assert.deepEqual(withVariables({ type: "string", const: "a" }), { type: "string", const: "a" });
  assert.deepEqual(withVariables({ type: "array", items: { type: "integer" } }), {
    type: "array",
    items: { anyOf: [{ type: "integer" }, variable] },
  });
});
