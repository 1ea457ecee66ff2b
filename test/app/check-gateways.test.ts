import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { checkGateways } from "../../src/app/doctor/check-gateways.ts";
import { loadConfig } from "../../src/app/config/load-config.ts";
import type { GatewayStatus } from "../../src/ports/gateway-host.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

type Facts = Parameters<typeof checkGateways>[0];

const agents = (...names: string[]): Facts["catalog"] => ({
  list: () => names.map((name) => ({ name })),
  invalid: () => [],
});

async function checked(
  t: Parameters<typeof temporaryFolder>[0],
  yaml: string,
  more: Partial<Facts> & { env?: Record<string, string> } = {},
): Promise<string[]> {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "duragent.yaml"), yaml);
  await writeFile(join(folder, "gateway.sh"), "#!/bin/sh\n");
  await chmod(join(folder, "gateway.sh"), 0o755);
  const loaded = await loadConfig({ cwd: folder, env: { HOME: folder, ...more.env } });
  const checks = await checkGateways({ loaded, catalog: agents("one"), ...more });
  return checks.map(
    ({ status, message, remedy = "" }) => `${status} ${message} → ${remedy.replaceAll(folder, "FOLDER")}`,
  );
}

const entry = (rest: string): string => `gateways: { external: [{ name: g, ${rest} }] }\n`;

test("without gateways there is nothing to say", async (t) => {
  assert.deepEqual(await checked(t, ""), []);
});

test("a gateway of one's own has to be there; one that comes along needs its token", async (t) => {
  assert.deepEqual(await checked(t, entry("command: ./gateway.sh")), ["ok g: ./gateway.sh can be started → "]);
  const [missing = ""] = await checked(t, entry("command: ./other.sh"));
  assert.match(missing, /^error g: there is no such program → FOLDER\/other\.sh is not there/);

  const telegram = entry("command: duragent-gateway-telegram");
  assert.deepEqual(await checked(t, telegram), [
    "error g: there is no bot_token → set bot_token under config of this gateway in duragent.yaml, or TELEGRAM_BOT_TOKEN in the server's environment",
  ]);
  const found = ["ok g: duragent-gateway-telegram can be started → "];
  assert.deepEqual(await checked(t, telegram, { env: { TELEGRAM_BOT_TOKEN: "x" } }), found);
  assert.deepEqual(await checked(t, entry("command: duragent-gateway-telegram, config: { bot_token: x }")), found);
  assert.deepEqual(
    await checked(t, entry("command: duragent-gateway-telegram, env: { TELEGRAM_BOT_TOKEN: x }")),
    found,
  );
});

test("Slack needs the app's token or, where it is sent requests, the secret that signs them", async (t) => {
  const slack = (rest: string) => checked(t, entry(`command: duragent-gateway-slack, config: { bot_token: x${rest} }`));
  assert.match((await slack("")).join(), /^error g: there is no app_token/);
  assert.match((await slack(", http: { port: 1 }")).join(), /^error g: there is no signing_secret/);
  assert.match((await slack(", app_token: y")).join(), /^ok/);
});

test("somebody has to answer what comes", async (t) => {
  const own = entry("command: ./gateway.sh");
  const two = { catalog: agents("one", "two") };
  const [, nobody = ""] = await checked(t, own, two);
  assert.match(
    nobody,
    /^error g: there are 2 agents, and no route says which of them answers: messages are dropped → name one/,
  );
  assert.match(
    (await checked(t, own, { catalog: agents() }))[1] ?? "",
    /^error g: there is no agent, so messages are dropped/,
  );
  assert.equal((await checked(t, `${own}default_agent: two\n`, two)).length, 1);
  assert.equal((await checked(t, `${own}routes: [{ match: { gateway: G }, agent: two }]\n`, two)).length, 1);
  const [, unknown = ""] = await checked(t, `${own}routes: [{ agent: three }]\n`, two);
  assert.match(unknown, /^error routes\[0\]\.agent names the agent three, and there is no valid agent of that name/);
});

test("where a server runs them, how they are is told", async (t) => {
  const status = (rest: Partial<GatewayStatus>): GatewayStatus => ({
    name: "g",
    command: "x",
    state: "ready",
    connected: true,
    restarts: 0,
    capabilities: [],
    queue: { inbound: 0, outbound: 0, unanswered: 0 },
    ...rest,
  });
  const told = async (rest: Partial<GatewayStatus>) =>
    (await checked(t, entry("command: ./gateway.sh"), { running: [status(rest)] }))[0];
  assert.equal(await told({ restarts: 2 }), "ok g: it is ready, after 2 restarts → ");
  assert.match(
    (await told({ state: "failed", lastError: "no" })) ?? "",
    /^error g: it failed five times in a row: no → mend that, then `duragent gateway restart g`/,
  );
  assert.match((await told({ state: "waiting", lastError: "no" })) ?? "", /^warn g: it is waiting: no/);
  assert.match((await told({ connected: false })) ?? "", /^warn g: it runs and does not reach its platform/);
  const auth = { method: "pair_code", code: "42", expires_in: 60 } as const;
  assert.match((await told({ auth })) ?? "", /^warn g: the platform must let it in first → `duragent gateway test g`/);
  assert.match((await told({ state: "off" })) ?? "", /^ok g: \.\/gateway\.sh can be started/);
});
