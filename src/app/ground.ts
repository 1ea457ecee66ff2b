import { createSystemClock } from "../adapters/clock/system.ts";
import { nodeFileSystem } from "../adapters/file-system/node.ts";
import { readHolder } from "../adapters/stores/directory-lock.ts";
import type { SessionId } from "../schema/ids.ts";
import type { Ground } from "../surfaces/cli/ground.ts";
import { loadOptionsOf, loadOrFail, placeOf, serveLoadOptions } from "./configuration.ts";
import { quietLog } from "./doctor/quiet-log.ts";
import { storeKey } from "./stored-keys.ts";

const listedMax = 500;

/** The command line's other side. What a command does not use is not loaded. */
export function createGround(): Ground {
  return {
    place: async (where) => placeOf(await loadOrFail(loadOptionsOf(where))),
    serverRecord: (dataDir) => readHolder(nodeFileSystem, dataDir),
    storeKey: (provider, key) => storeKey(process.env, provider, key),

    async serve(flags) {
      const load = serveLoadOptions(flags);
      const loaded = await loadOrFail(load);
      const { serveProcess } = await import("./serve-process.ts");
      return serveProcess({ flags, load, loaded });
    },

    async doctor(where, options) {
      const { diagnose } = await import("./doctor/diagnose.ts");
      return diagnose({ load: loadOptionsOf(where), ...options });
    },

    async agents(where) {
      const loaded = await loadOrFail(loadOptionsOf(where));
      const { openCatalog } = await import("./build-runtime.ts");
      return openCatalog(loaded.config, { log: quietLog, clock: createSystemClock() });
    },

    async validateAgent(path) {
      const { validateAgentAt } = await import("./validate-agent.ts");
      return validateAgentAt(path);
    },

    async checkPolicy(where, question) {
      const loaded = await loadOrFail(loadOptionsOf(where));
      const { checkPolicy } = await import("./check-policy.ts");
      return checkPolicy(loaded, question);
    },

    async gateways(where) {
      const loaded = await loadOrFail(loadOptionsOf(where));
      const { configuredGateways } = await import("./test-gateway.ts");
      return configuredGateways(loaded);
    },

    async testGateway(where, name, message) {
      const loaded = await loadOrFail(loadOptionsOf(where));
      const { testGateway } = await import("./test-gateway.ts");
      return testGateway(loaded, name, message);
    },

    async offlineAgents(where) {
      const { config } = await loadOrFail(loadOptionsOf(where));
      const [{ openDataDirectory }, { openCatalog }] = await Promise.all([
        import("./open-data-directory.ts"),
        import("./build-runtime.ts"),
      ]);
      await using held = new AsyncDisposableStack();
      held.use(await openDataDirectory(config, { tighten: false }));
      const options = { log: quietLog, clock: createSystemClock() };
      const agents = held.adopt(await openCatalog(config, options), (open) => open.close());
      const owned = held.move();
      return { agents, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },

    async readAgent(path) {
      const { readWhole } = await import("../adapters/stores/agents/read-whole.ts");
      return readWhole(path);
    },

    async offlineSessions(where) {
      const { config } = await loadOrFail(loadOptionsOf(where));
      const [{ openDataDirectory }, { openSessionStore }] = await Promise.all([
        import("./open-data-directory.ts"),
        import("./build-runtime.ts"),
      ]);
      await using held = new AsyncDisposableStack();
      held.use(await openDataDirectory(config, { tighten: false }));
      const store = held.adopt(await openSessionStore(config, createSystemClock()), (open) => open.shutdown());
      const owned = held.move();
      return {
        async ids() {
          const ids: SessionId[] = [];
          for (;;) {
            const after = ids.at(-1);
            const page = await store.list(after === undefined ? { limit: listedMax } : { after, limit: listedMax });
            ids.push(...page.map(({ sessionId }) => sessionId));
            if (page.length < listedMax) return ids;
          }
        },
        verify: (id) => store.verify(id),
        repair: (id, options) => store.repair(id, options),
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      };
    },
  };
}
