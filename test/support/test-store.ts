import type { TestContext } from "node:test";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../../src/adapters/stores/sessions/files/store.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { SessionStore } from "../../src/ports/session-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A session store on real files in a folder of the test's own. */
export async function openTestStore(
  test: Pick<TestContext, "after">,
  clock: Clock = createSystemClock(),
): Promise<SessionStore> {
  const disk = await openRestartableStore(test, clock);
  return disk.store;
}

export type RestartableStore = {
  readonly folder: string;
  /** The store of the process that lives now. */
  readonly store: SessionStore;
  /** That process is gone: nothing it still does reaches the files. */
  kill(): Promise<void>;
  /** The store as the next process finds it. */
  reopen(): Promise<SessionStore>;
};

/** A store whose process can die: what it had queued but not written is lost, as with `kill -9`. */
export async function openRestartableStore(
  test: Pick<TestContext, "after">,
  clock: Clock = createSystemClock(),
): Promise<RestartableStore> {
  const folder = await temporaryFolder(test);
  let alive = { is: true };
  const open = (): Promise<FileSessionStore> => {
    const life = { is: true };
    alive = life;
    return FileSessionStore.open({
      sessionsFolder: `${folder}/sessions`,
      dataFolder: folder,
      durability: "synced",
      clock,
      fs: mortal(life),
    });
  };
  let store = await open();
  test.after(async () => {
    alive.is = false;
  });
  return {
    folder,
    get store() {
      return store;
    },
    kill: () => {
      alive.is = false;
      return Promise.resolve();
    },
    reopen: async () => (store = await open()),
  };
}

/** A file system whose process can be gone: then no call of it returns, and none has an effect. */
function mortal(life: { is: boolean }): typeof nodeFileSystem {
  const guard = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name);
        if (typeof value !== "function") return value;
        return (...given: unknown[]): unknown => {
          if (!life.is) return new Promise(() => {});
          const result: unknown = Reflect.apply(value, object, given);
          if (!(result instanceof Promise)) return result;
          return result.then((one: unknown) => (life.is ? (isHandle(one) ? guard(one) : one) : new Promise(() => {})));
        };
      },
    });
  return guard(nodeFileSystem);
}

const isHandle = (value: unknown): value is object => typeof value === "object" && value !== null && "sync" in value;
