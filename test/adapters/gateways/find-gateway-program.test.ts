import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { findGatewayProgram } from "../../../src/adapters/gateways/find-gateway-program.ts";
import { gatewayEnvironment, gatewaySecrets } from "../../../src/adapters/gateways/gateway-environment.ts";
import { bundledGateways } from "../../../src/adapters/gateways/registry.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { entry } from "./host-harness.ts";

for (const command of Object.keys(bundledGateways)) {
  test(`${command} is found beside this program, and run by its Node`, async () => {
    const found = await findGatewayProgram({ command, configFolder: "/nowhere", path: "" });
    assert.equal(found.kind, "found");
    const [node, script = ""] = found.kind === "found" ? found.argv : [];
    assert.equal(node, process.execPath);
    assert.equal(script.endsWith(`/bin/${command}.mjs`), true, script);
  });
}

test("a bare name is looked for on PATH, one with a slash beside the configuration", async (t) => {
  const configFolder = await temporaryFolder(t);
  const file = join(configFolder, "gateways/own");
  await mkdir(join(configFolder, "gateways"));
  await writeFile(file, "#!/bin/sh\n", { mode: 0o755 });
  const found = { kind: "found", argv: [file] };
  const path = join(configFolder, "gateways");
  assert.deepEqual(await findGatewayProgram({ command: "own", configFolder: "/", path }), found);
  assert.deepEqual(await findGatewayProgram({ command: "./gateways/own", configFolder, path: "" }), found);
  assert.deepEqual(await findGatewayProgram({ command: "gateways/own", configFolder, path: "" }), found);
  assert.deepEqual(await findGatewayProgram({ command: file, configFolder: "/", path: "" }), found);
  assert.equal((await findGatewayProgram({ command: "own", configFolder, path: undefined })).kind, "missing");
  await chmod(file, 0o644);
  const fault = `${file} is not there or may not be run: correct "command" in duragent.yaml, or make it executable (chmod +x)`;
  assert.deepEqual(await findGatewayProgram({ command: file, configFolder: "/", path: "" }), {
    kind: "missing",
    fault,
  });
});

test("of a program that is not there is said first what to do, then where it was looked for", async () => {
  const folders = [
    "/npx/1/node_modules/.bin",
    "/node_modules/.bin",
    ...Array.from({ length: 8 }, (_, at) => `/bin${at}`),
  ];
  assert.deepEqual(await findGatewayProgram({ command: "own", configFolder: "/c", path: folders.join(":") }), {
    kind: "missing",
    fault:
      'install own, or give its path in "command" in duragent.yaml: it is not on PATH (/bin0, /bin1, /bin2, /bin3, /bin4, /bin5, 2 more)',
  });
  const none = await findGatewayProgram({ command: "own", configFolder: "/c", path: undefined });
  assert.match(none.kind === "missing" ? none.fault : "", /it is not on PATH \(empty\)$/);
});

const server = {
  TELEGRAM_BOT_TOKEN: "telegram-token",
  DISCORD_TOKEN: "discord-token",
  OPENAI_API_KEY: "model-key",
  DURAGENT_API_TOKEN: "api-token",
  NODE_OPTIONS: "--inspect",
  no_proxy: "local",
};

test("a bundled gateway gets its own secrets of the server's environment, another program none", () => {
  const sources = { minimal: { PATH: "/bin" }, server };
  const telegram = entry("", { command: "duragent-gateway-telegram", env: { LOG: "debug" } });
  assert.deepEqual(gatewayEnvironment(telegram, sources), {
    PATH: "/bin",
    no_proxy: "local",
    TELEGRAM_BOT_TOKEN: "telegram-token",
    LOG: "debug",
  });
  const other = entry("", { command: "telegram", env: { PATH: "/own" } });
  assert.deepEqual(gatewayEnvironment(other, sources), { PATH: "/own", no_proxy: "local" });
});

test("what may not show of a gateway are its own secrets, wherever they come from", () => {
  const discord = entry("", {
    command: "duragent-gateway-discord",
    env: { API_KEY: "key-of-its-env", MODE: "not-a-secret" },
    config: { bot_token: "token-of-its-config" },
  });
  assert.deepEqual(gatewaySecrets(discord, { server }).toSorted(), [
    "discord-token",
    "key-of-its-env",
    "token-of-its-config",
  ]);
});
