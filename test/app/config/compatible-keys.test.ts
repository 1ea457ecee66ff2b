import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { temporaryFolder } from "../../support/temporary-folder.ts";
import { loadFrom } from "./configuration.ts";

test("a configuration of the Rust implementation means the same here", async (t) => {
  const folder = await temporaryFolder(t);
  const { config, warnings } = await loadFrom(folder, {
    "agents/.keep": "",
    "duragent.yaml": `
workspace: ./ws
agents_dir: ./agents
server: { host: 0.0.0.0, port: 8081, admin_token: admin-secret, idle_timeout_seconds: 20 }
sessions: { ttl_hours: 24, compaction: archive }
world_memory: { path: ./world }
sandbox: { mode: trust }
gateways:
  telegram: { bot_token: 123:telegram }
  discord: { enabled: false, bot_token: x }
  external:
    - { name: dc, command: duragent-discord, restart: always }
`,
  });
  assert.equal(config.dataDir, join(folder, "ws"));
  assert.equal(config.agents.staticPath, join(folder, "agents"));
  assert.equal(config.admin.token?.reveal(), "admin-secret");
  assert.equal(config.session.ttl_hours, 24);
  assert.equal(config.session.idle_timeout_seconds, 20);
  assert.equal(config.sandbox.mode, "none");
  assert.deepEqual(
    config.gateways.external.map((gateway) => [gateway.name, gateway.command, gateway.config.reveal()]),
    [
      ["dc", "duragent-gateway-discord", {}],
      ["telegram", "duragent-gateway-telegram", { bot_token: "123:telegram" }],
    ],
  );
  assert.deepEqual(
    warnings.map((warning) => warning.replace(/^duragent\.yaml:\d+:\d+: /, "")),
    [
      "sessions.compaction: has no effect: a log is never compacted",
      "world_memory.path: has no effect; see services.memory",
      "gateways.external[0].command: read as duragent-gateway-discord",
    ],
  );
});

test("what is set and needs a later version is named with its place, what is at its default is not", async (t) => {
  const folder = await temporaryFolder(t);
  const { warnings } = await loadFrom(folder, {
    "duragent.yaml": `default_agent: null
limits: {}
sandbox: { mode: auto, network: false }
web: { allow_private: false }
policy: { approval_timeout: null }
services: { bus: { backend: auto } }
observability: { tracing: { otlp_endpoint: null } }
routes: []
notify: { channels: { ops: { webhook: "https://example.net/x" }, me: { gateway: telegram, chat_id: "1" } } }
models: { providers: { openai: { limits: { rate: { requests_per_minute: 1 }, inbound: { per_sender_per_minute: 2 } } } } }
`,
  });
  assert.deepEqual(warnings, [
    'duragent.yaml:9:72: notify.channels.me.gateway: there is no gateway "telegram"; those under gateways are: none',
    "duragent.yaml:10:78: models.providers.openai.limits.inbound: has no effect: nothing comes in there",
  ]);
});

test("a route or a channel of a gateway that is not there is named, with what is there", async (t) => {
  const { warnings } = await loadFrom(await temporaryFolder(t), {
    "duragent.yaml": `gateways: { telegram: { bot_token: "1:x" }, external: [{ name: chat, command: ./chat }] }
routes: [{ match: { gateway: Telegram }, agent: a }, { match: { gateway: telegran }, agent: a }]
notify: { channels: { me: { gateway: mail, chat_id: "1" } } }
`,
  });
  assert.deepEqual(warnings, [
    'duragent.yaml:2:65: routes[1].match.gateway: there is no gateway "telegran"; did you mean "telegram"?',
    'duragent.yaml:3:29: notify.channels.me.gateway: there is no gateway "mail"; those under gateways are: chat, telegram',
  ]);
});

test("session wins over sessions, key by key", async (t) => {
  const { config } = await loadFrom(await temporaryFolder(t), {
    "duragent.yaml": `
sessions: { ttl_hours: 1, on_disconnect: continue, context: { max_history_tokens: 5, compact_at: 0.5 } }
session: { ttl_hours: 2, context: { compact_at: 0.6 } }
`,
  });
  assert.deepEqual(config.session, {
    ttl_hours: 2,
    on_disconnect: "continue",
    context: { max_history_tokens: 5, compact_at: 0.6 },
  });
});
