import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { loadConfig } from "../../../src/app/config/load-config.ts";
import { watchConfig } from "../../../src/app/config/watch-config.ts";
import type { Log, LogFields } from "../../../src/ports/telemetry.ts";
import type { Config } from "../../../src/schema/config.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { writeFiles } from "./configuration.ts";

/** A followed configuration whose next log line or change can be waited for. */
async function follow(t: TestContext, text: string) {
  const folder = await temporaryFolder(t);
  const path = join(folder, "duragent.yaml");
  await writeFiles(folder, { "duragent.yaml": text });
  const seen: { line: string; fields: LogFields }[] = [];
  const configs: Config[] = [];
  let wake = Promise.withResolvers<void>();
  const happened = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const write = (fields: LogFields, line: string): void => {
    seen.push({ line, fields });
    happened();
  };
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const load = { cwd: folder, env: {} };
  const watch = await watchConfig({
    load,
    loaded: await loadConfig(load),
    clock: createSystemClock(),
    log,
    onChange(config) {
      configs.push(config);
      happened();
    },
  });
  t.after(() => watch.close());
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await wake.promise;
  };
  return { path, watch, seen, configs, until, logged: (line: RegExp) => seen.some((entry) => line.test(entry.line)) };
}

test("a change of routes, limits, logging, models or session applies by itself", async (t) => {
  const { path, configs, until } = await follow(t, "session: { ttl_hours: 1 }");
  await writeFile(
    path,
    "session: { ttl_hours: 2 }\nlogging: { level: debug }\nmodels: { providers: { openai: { api_key: abcdefgh } } }",
  );
  await until(() => configs.length > 0);
  assert.equal(configs.at(-1)?.session.ttl_hours, 2);
  assert.equal(configs.at(-1)?.logging.level, "debug");
});

test("a change of default_agent applies by itself, and the log names keys as the file spells them", async (t) => {
  const { path, configs, seen, until, logged } = await follow(t, "default_agent: first");
  await writeFile(path, "default_agent: second\ndata_dir: elsewhere");
  await until(() => configs.length > 0 && logged(/need a restart/));
  assert.equal(configs.at(-1)?.defaultAgent, "second");
  const named = seen.filter(({ fields }) => "keys" in fields).map(({ fields }) => fields["keys"]);
  assert.deepEqual(named.at(-1), ["default_agent"]);
  assert.equal(named.flat().includes("data_dir"), true, JSON.stringify(named));
  assert.doesNotMatch(named.flat().join(), /[A-Z]/);
  await writeFile(path, "session: { ttl_hours: 1 }\ndata_dir: elsewhere");
  await until(() => configs.length > 1);
  assert.equal(configs.at(-1)?.defaultAgent, undefined);
});

test("another key keeps its value, and the log says that a restart is needed", async (t) => {
  const { path, configs, seen, until, logged } = await follow(t, "server: { port: 1 }");
  await writeFile(path, "server: { port: 2 }\nsession: { ttl_hours: 2 }");
  await until(() => configs.length > 0 && logged(/need a restart/));
  assert.equal(configs.at(-1)?.server.port, 1);
  assert.deepEqual(seen.find(({ line }) => /need a restart/.test(line))?.fields, { keys: ["server"] });
});

test("an invalid edit is reported, the last good configuration stays, and a good one ends it", async (t) => {
  const { path, watch, configs, until, logged } = await follow(t, "session: { ttl_hours: 1 }");
  await writeFile(path, "session: { ttl_huors: 2 }");
  await until(() => logged(/is invalid/));
  assert.deepEqual(
    watch.problems().map(({ line, column, path: key }) => [line, column, key]),
    [[1, 12, "session.ttl_huors"]],
  );
  assert.equal(configs.length, 0);
  await writeFile(path, "session: { ttl_hours: 3 }");
  await until(() => configs.length > 0);
  assert.deepEqual(watch.problems(), []);
  assert.equal(configs.at(-1)?.session.ttl_hours, 3);
});

test("an editor that saves by renaming is followed, more than once", async (t) => {
  const { path, configs, until } = await follow(t, "session: { ttl_hours: 1 }");
  for (const hours of [2, 3]) {
    await writeFile(`${path}.tmp`, `session: { ttl_hours: ${hours} }`);
    await rename(`${path}.tmp`, path);
    await until(() => configs.at(-1)?.session.ttl_hours === hours);
  }
});

test("a key that is exchanged for another is a change, though neither shows", async (t) => {
  const { path, configs, until } = await follow(t, "models: { providers: { openai: { api_key: first-key } } }");
  await writeFile(path, "models: { providers: { openai: { api_key: second-key } } }");
  await until(() => configs.length > 0);
  assert.equal(configs[0]?.models.providers["openai"]?.api_key?.reveal(), "second-key");
});
