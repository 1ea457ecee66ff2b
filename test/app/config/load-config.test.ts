import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import { ConfigError } from "../../../src/app/config/config-error.ts";
import { loadConfig } from "../../../src/app/config/load-config.ts";
import { Secret } from "../../../src/schema/secret.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { errorsFrom, loadFrom, writeFiles } from "./configuration.ts";

test("without a file every default holds, below .duragent of the working directory", async (t) => {
  const folder = await temporaryFolder(t);
  const { config, path, warnings } = await loadFrom(folder, {});
  assert.equal(path, null);
  assert.deepEqual(warnings, []);
  assert.equal(config.dataDir, join(folder, ".duragent"));
  assert.equal(config.agents.staticPath, join(folder, ".duragent/agents"));
  assert.equal(config.agents.dynamicPath, join(folder, ".duragent/sys/dyn_agents"));
  assert.deepEqual(config.services.session, { path: join(folder, ".duragent/sessions"), durability: "synced" });
  assert.deepEqual([config.server.host, config.server.port], ["127.0.0.1", 8080]);
  assert.equal(config.server.maxBodyBytes, 2_097_152);
  assert.deepEqual(config.session, {});
});

test("an empty file is a file of defaults", async (t) => {
  const { config, path } = await loadFrom(await temporaryFolder(t), { "duragent.yaml": "# nothing yet\n" });
  assert.ok(path?.endsWith("duragent.yaml"));
  assert.equal(config.server.port, 8080);
});

test("relative paths start from the file's folder, those of the command line are absolute already", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, {
    "etc/my.yaml":
      "data_dir: ../data\nservices: { session: { path: ./s } }\nlogging: { file: log.txt }\nagents: { static: { path: a } }\n",
    "etc/a/.keep": "",
    "other/.keep": "",
  });
  const loaded = await loadConfig({
    cwd: folder,
    env: {},
    configPath: "etc/my.yaml",
    overrides: { agentsPath: join(folder, "other"), port: 0 },
  });
  assert.equal(loaded.config.dataDir, join(folder, "data"));
  assert.equal(loaded.config.services.session.path, join(folder, "etc/s"));
  assert.equal(loaded.config.services.artifacts.path, join(folder, "data/artifacts"));
  assert.equal(loaded.config.logging.file, join(folder, "etc/log.txt"));
  assert.equal(loaded.config.agents.staticPath, join(folder, "other"));
  assert.equal(loaded.config.server.port, 0);
  assert.equal(loaded.folder, join(folder, "etc"));
});

test("DURAGENT_CONFIG names the file where the command line does not", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, {
    "a.yaml": "server: { port: 1 }",
    "b.yaml": "server: { port: 2 }",
    "duragent.yaml": "server: { port: 3 }",
  });
  const env = { DURAGENT_CONFIG: "a.yaml" };
  const portOf = async (options: object) => (await loadConfig({ cwd: folder, env: {}, ...options })).config.server.port;
  assert.deepEqual([await portOf({ env, configPath: "b.yaml" }), await portOf({ env }), await portOf({})], [2, 1, 3]);
});

test("a file that was named must be there", async (t) => {
  const folder = await temporaryFolder(t);
  assert.deepEqual(await errorsFrom(folder, {}, { configPath: "gone.yaml" }), [
    "gone.yaml: there is no such file (named by --config)",
  ]);
  assert.deepEqual(await errorsFrom(folder, {}, { env: { DURAGENT_CONFIG: "gone.yaml" } }), [
    "gone.yaml: there is no such file (named by DURAGENT_CONFIG)",
  ]);
});

test(".env is read first and never wins over what is set", async (t) => {
  const folder = await temporaryFolder(t);
  const files = {
    ".env": "PORT=9001\nHOST=example.net\n# NO=1\nANTHROPIC_API_KEY='sk-ant-123456'\n",
    "duragent.yaml": "server: { port: ${PORT}, host: ${HOST} }",
  };
  const loaded = await loadFrom(folder, files, { env: { HOST: "127.0.0.2" } });
  assert.deepEqual([loaded.config.server.port, loaded.config.server.host], [9001, "127.0.0.2"]);
  assert.equal(loaded.env["ANTHROPIC_API_KEY"], "sk-ant-123456");
  assert.ok(loaded.secrets.includes("sk-ant-123456"));
});

test("a number where text is wanted is the text that was written", async (t) => {
  const folder = await temporaryFolder(t);
  const files = {
    "duragent.yaml":
      "routes:\n  - match: { chat_id: 00120, sender_id: 123456789012345678901 }\n    agent: 7\nadmin: { token: ${T} }",
  };
  const { config } = await loadFrom(folder, files, { env: { T: "1234567890" } });
  assert.deepEqual(config.routes, [{ match: { chat_id: "00120", sender_id: "123456789012345678901" }, agent: "7" }]);
  assert.equal(config.admin.token?.reveal(), "1234567890");
});

test("keys that end in _file read the value from a file", async (t) => {
  const folder = await temporaryFolder(t);
  const files = {
    "run/token": "s3cret-token\n",
    "run/port": "8123\n",
    "run/bot": "42:abcdefgh",
    "duragent.yaml": `
server: { api_token_file: run/token, port_file: run/port }
models: { providers: { openai: { api_key_file: ./run/token } } }
gateways:
  external:
    - { name: telegram, command: x, config: { bot_token_file: run/bot, state_file: run/none }, env: { CA_FILE: run/none, x_file: y } }
`,
  };
  const { config, secrets } = await loadFrom(folder, files);
  assert.equal(config.server.apiToken?.reveal(), "s3cret-token");
  assert.equal(config.server.port, 8123);
  assert.equal(config.models.providers["openai"]?.api_key?.reveal(), "s3cret-token");
  assert.deepEqual(config.gateways.external[0]?.config.reveal(), { bot_token: "42:abcdefgh", state_file: "run/none" });
  assert.deepEqual(config.gateways.external[0]?.env.reveal(), { CA_FILE: "run/none", x_file: "y" });
  assert.deepEqual(secrets, ["s3cret-token", "42:abcdefgh"]);
});

for (const [title, written, ...errors] of [
  [
    "is missing",
    "admin: { token_file: ./gone }",
    /^duragent\.yaml:1:22: admin\.token_file: .*gone can not be read: ENOENT$/,
  ],
  ["is a folder", "admin: { token_file: . }", /^duragent\.yaml:1:22: admin\.token_file: .* is not a file$/],
  ["is empty", "admin: { token_file: ./empty }", /^duragent\.yaml:1:22: admin\.token_file: .*empty is empty$/],
  [
    "stands beside its value",
    "admin: { token: x, token_file: ./t }",
    /^duragent\.yaml:1:20: admin\.token_file: "token" is given too; keep one of them$/,
  ],
  [
    "has no key",
    "admin: { tokne_file: ./t }",
    /^duragent\.yaml:1:10: admin\.tokne: unknown key "tokne"; did you mean "token"\?$/,
  ],
] as const) {
  test(`a value's file that ${title} is an error at its place`, async (t) => {
    const found = await errorsFrom(await temporaryFolder(t), { "duragent.yaml": written, t: "value", empty: "\n" });
    assert.equal(found.length, errors.length, found.join("\n"));
    for (const [index, pattern] of errors.entries()) assert.match(found[index] ?? "", pattern);
  });
}

for (const [title, written, ...errors] of [
  ["an unknown key", "server:\n  prot: 1", 'duragent.yaml:2:3: server.prot: unknown key "prot"; did you mean "port"?'],
  [
    "an unknown section",
    "sevrices: {}",
    'duragent.yaml:1:1: sevrices: unknown key "sevrices"; did you mean "services"?',
  ],
  ["a wrong type", "server: { port: http }", "duragent.yaml:1:17: server.port: expected a number, found text"],
  ["a port that is none", "server: { port: 70000 }", "duragent.yaml:1:17: server.port: expected at most 65535"],
  [
    "a missing variable",
    "a: 1\nserver: { api_token: ${TOKEN} }",
    "duragent.yaml:2:22: the variable TOKEN is not set; set it in the environment or in .env, or write ${TOKEN:-default}",
  ],
  [
    "a level that is none",
    "logging: { level: verbose }",
    'duragent.yaml:1:19: logging.level: expected one of trace, debug, info, warn, error, found "verbose"',
  ],
  [
    "a size that is none",
    "server: { max_body_bytes: big }",
    "duragent.yaml:1:27: server.max_body_bytes: expected a size: 10MB, 64KiB or a number of bytes",
  ],
  [
    "a backend that is none",
    "services: { session: { backend: sqlite } }",
    "duragent.yaml:1:33: services.session.backend: unknown backend; expected filesystem or postgres",
  ],
  [
    "Postgres",
    "services: { session: { backend: postgres, url: 'postgres://h/d' } }",
    "duragent.yaml:1:24: services.session.backend: postgres needs a later version; use filesystem",
  ],
  [
    "S3",
    "services: { artifacts: { backend: s3, bucket: b } }",
    "duragent.yaml:1:26: services.artifacts.backend: s3 needs a later version; use filesystem",
  ],
  [
    "a Redis bus",
    "services: { bus: { backend: redis, url: 'redis://h' } }",
    "duragent.yaml:1:20: services.bus.backend: redis needs a later version; use auto",
  ],
  [
    "two ports",
    "server: { port: 1 }\ngateways: { http: { port: 2 } }",
    'duragent.yaml:2:21: gateways.http.port: "server.port" says otherwise; keep one of them',
  ],
  [
    "two data directories",
    "data_dir: a\nworkspace: b",
    'duragent.yaml:2:1: workspace: "data_dir" says otherwise; keep one of them',
  ],
  [
    "no way in",
    "gateways: { http: { enabled: false }, cli: { enabled: false } }",
    "duragent.yaml:1:55: gateways.cli.enabled: gateways.http and gateways.cli are both off, so nothing could reach the server; leave one on",
  ],
  [
    "a provider of no known kind",
    "models: { providers: { mine: { base_url: 'http://x' } } }",
    'duragent.yaml:1:30: models.providers.mine: "mine" is not a built-in provider, so it needs "kind": anthropic, openai, openrouter, ollama, bedrock, google, openai-compatible, scripted, ai-sdk',
  ],
  [
    "an origin that is none",
    "server: { cors_origins: [example.com] }",
    "duragent.yaml:1:26: server.cors_origins[0]: expected an origin, e.g. https://app.example",
  ],
  [
    "two gateways of one name",
    "gateways: { external: [{ name: a, command: x }, { name: a, command: y }] }",
    'duragent.yaml:1:57: gateways.external[1].name: a second gateway named "a"',
  ],
  [
    "a mistake of YAML",
    "server: {\n  port: 1\nadmin: }",
    "duragent.yaml:3:1: Flow map in block collection must be sufficiently indented and end with a }",
  ],
] as const) {
  test(`${title} stops the start with its place`, async (t) => {
    const found = await errorsFrom(await temporaryFolder(t), { "duragent.yaml": written });
    assert.deepEqual(found.slice(0, errors.length), errors);
  });
}

test("a configuration error ends with 78 and names every place", async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(loadFrom(folder, { "duragent.yaml": "a: 1\nserver: { port: x }" }), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.exitCode, 78);
    assert.equal(error.message.split("\n").length, 2);
    return true;
  });
});

test("a bomb and a file above 256 KiB stop the start", async (t) => {
  const folder = await temporaryFolder(t);
  const levels = Array.from(
    { length: 9 },
    (_, level) => `k${level}: &l${level} [${(level === 0 ? "x," : `*l${level - 1},`).repeat(10)}]`,
  );
  const bomb = await errorsFrom(folder, { "duragent.yaml": levels.join("\n") });
  assert.match(bomb[0] ?? "", /^duragent\.yaml:\d+:\d+: more than 100000 values, aliases followed$/);
  const large = await errorsFrom(folder, { "duragent.yaml": "#".repeat(262_145) });
  assert.deepEqual(large, ["duragent.yaml: 262145 bytes; at most 262144 are read"]);
});

test("a configured agents' folder must be there", async (t) => {
  const folder = await temporaryFolder(t);
  const [error] = await errorsFrom(folder, { "duragent.yaml": "agents:\n  static: { path: ./mine }" });
  assert.match(
    error ?? "",
    /^duragent\.yaml:2:13: agents\.static\.path: there is no folder .*mine; create it, or name another$/,
  );
  const [older] = await errorsFrom(folder, { "duragent.yaml": "agents_dir: ./mine" });
  assert.match(older ?? "", /^duragent\.yaml:1:1: agents_dir: there is no folder/);
});

test("a webhook with a user and a password in its address is refused, without telling them", async (t) => {
  const text = 'notify: { channels: { ops: { webhook: "https://me:hunter2@example.net/x" } } }\n';
  const errors = await errorsFrom(await temporaryFolder(t), { "duragent.yaml": text });
  assert.match(errors[0] ?? "", /notify\.channels\.ops\.webhook: an address may hold no user name and password/);
  assert.doesNotMatch(errors.join("\n"), /hunter2/);
});

test("an error never shows a secret", async (t) => {
  const folder = await temporaryFolder(t);
  const files = {
    "duragent.yaml": "server: { api_token: [sk-very-secret], port: sk-very-secret }\nadmin: sk-very-secret",
  };
  const found = await errorsFrom(folder, files);
  assert.equal(found.length, 3);
  assert.ok(!found.join().includes("sk-very"));
  const { config } = await loadFrom(folder, { "duragent.yaml": "server: { api_token: sk-very-secret }" });
  assert.ok(config.server.apiToken instanceof Secret);
  assert.ok(!`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`.includes("sk-very"));
});
