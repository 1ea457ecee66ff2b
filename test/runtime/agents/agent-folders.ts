import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { createFileAgentStore } from "../../../src/adapters/stores/agents/files.ts";
import type { AgentStore } from "../../../src/ports/agent-store.ts";
import type { Log, LogFields } from "../../../src/ports/telemetry.ts";
import { createCatalog, type CatalogOptions, type LivingCatalog } from "../../../src/runtime/agents/catalog.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

export const agentYaml = (name: string, more = ""): string =>
  `name: ${name}\nmodel: { provider: anthropic, name: claude-sonnet-4-5 }\n${more}`;

/** A data directory with agents in it, the store over it, and a log that is kept. */
export async function agentFolders(t: TestContext, files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = await temporaryFolder(t);
  const write = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };
  await mkdir(join(folder, "agents"));
  for (const [path, content] of Object.entries(files)) await write(path, content);
  const logged: { line: string; fields: LogFields }[] = [];
  const keep = (fields: LogFields, line: string): void => void logged.push({ line, fields });
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const clock = createSystemClock();
  const store = createFileAgentStore(
    {
      staticPath: join(folder, "agents"),
      dynamicPath: join(folder, "sys/dyn_agents"),
      directivesPath: join(folder, "directives"),
      skillsPath: join(folder, "shared/skills"),
      versionsPath: join(folder, "agent-versions"),
    },
    { clock, fileSystem: nodeFileSystem },
  );
  const open = async (options: Partial<CatalogOptions> = {}): Promise<FollowedCatalog> => {
    const catalog = await createCatalog({
      store,
      clock,
      log,
      lazyLoad: false,
      cacheSize: 100,
      ...options,
    });
    t.after(() => catalog.close());
    return followed(catalog);
  };
  return { folder, write, store, open, logged };
}

export type FollowedCatalog = LivingCatalog & {
  /** Resolves once the condition holds, looked at after every change. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
};

function followed(catalog: LivingCatalog): FollowedCatalog {
  let wake = Promise.withResolvers<void>();
  catalog.onChange(() => {
    wake.resolve();
    wake = Promise.withResolvers();
  });
  return {
    ...catalog,
    async until(condition) {
      for (;;) {
        const changed = wake.promise;
        if (await condition()) return;
        await changed;
      }
    },
  };
}

/** A store that counts what is read of it. */
export function counting(store: AgentStore): AgentStore & { reads: string[] } {
  const reads: string[] = [];
  return {
    ...store,
    reads,
    read(key) {
      reads.push(key);
      return store.read(key);
    },
  };
}
