import type { AgentStore } from "../../ports/agent-store.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import type { ChatIndex } from "../../ports/chat-index.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FileSystem } from "../../ports/file-system.ts";
import type { MemoryStore } from "../../ports/memory-store.ts";
import type { SessionStore } from "../../ports/session-store.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { AgentFolders } from "./agents/files.ts";
import type { FileChatIndexPlace } from "./chats/files.ts";
import type { FileMemoryPlace } from "./memory/files.ts";

/** What a backend of the session store is opened with. */
export type SessionStorePlace = {
  sessionsFolder: string;
  dataFolder: string;
  durability: "synced" | "flushed";
  fs: FileSystem;
  clock: Clock;
};

type OpenSessionStore = (place: SessionStorePlace) => Promise<SessionStore>;

/** Where sessions can live; each backend passes the same contract suite. */
const sessionStores: Readonly<Record<string, OpenSessionStore>> = {
  filesystem: async (place) => {
    const { FileSessionStore } = await import("./sessions/files/store.ts");
    return FileSessionStore.open(place);
  },
  // Nothing outlives the process: for tests and simulations.
  memory: async ({ clock }) => {
    const { MemorySessionStore } = await import("./sessions/memory.ts");
    return new MemorySessionStore({ clock });
  },
};

/** Opens the backend that `services.session.backend` names. Throws `unprocessable` for one that this version does not have. */
export async function openSessionStore(backend: string, place: SessionStorePlace): Promise<SessionStore> {
  const open = Object.hasOwn(sessionStores, backend) ? sessionStores[backend] : undefined;
  if (open) return open(place);
  const why = backend === "postgres" ? "needs a later version of Duragent" : "is not known";
  throw new DuragentError("unprocessable", `services.session.backend: ${backend} ${why}; use filesystem`);
}

/** Opens the store of agents, and of the versions of them that turns used, in folders. */
export async function openAgentStore(
  folders: AgentFolders,
  ports: { clock: Clock; fileSystem: FileSystem },
): Promise<AgentStore> {
  const { createFileAgentStore } = await import("./agents/files.ts");
  return createFileAgentStore(folders, ports);
}

const memoryStores: Readonly<Record<string, (place: FileMemoryPlace) => Promise<MemoryStore>>> = {
  filesystem: async (place) => {
    const { FileMemoryStore } = await import("./memory/files.ts");
    return new FileMemoryStore(place);
  },
};

/** A store that is opened when something is first remembered or recalled: few agents have a memory. */
function whenUsed(open: () => Promise<MemoryStore>): MemoryStore {
  let opened: Promise<MemoryStore> | undefined;
  const store = (): Promise<MemoryStore> => (opened ??= open());
  return {
    put: async (agent, entry) => (await store()).put(agent, entry),
    query: async (agent, query) => (await store()).query(agent, query),
    async *export(agent) {
      yield* (await store()).export(agent);
    },
  };
}

/** Opens the backend that `services.memory.backend` names. Throws `unprocessable` for one that this version does not have. */
export async function openMemoryStore(backend: string, place: FileMemoryPlace): Promise<MemoryStore> {
  const open = Object.hasOwn(memoryStores, backend) ? memoryStores[backend] : undefined;
  if (open) return whenUsed(() => open(place));
  throw new DuragentError("unprocessable", `services.memory.backend: ${backend} is not known; use filesystem`);
}

/** What a backend of the artifact store is opened with. */
export type ArtifactStorePlace = {
  /** `services.artifacts.path`. */
  folder: string;
  fs: FileSystem;
  clock: Clock;
  /** Takes known secrets out of what is stored; see `redactedArtifacts`. */
  redactBytes?: () => { push(piece: string): string; end(): string };
};

type OpenArtifactStore = (place: ArtifactStorePlace) => Promise<ArtifactStore>;

/** Where artifacts can be kept; each backend passes the same contract suite. */
const artifactStores: Readonly<Record<string, OpenArtifactStore>> = {
  filesystem: async (place) => {
    const { FileArtifactStore } = await import("./artifacts/files.ts");
    return FileArtifactStore.open(place);
  },
};

/** Opens the backend that `services.artifacts.backend` names. Throws `unprocessable` for one that this version does not have. */
export async function openArtifactStore(backend: string, place: ArtifactStorePlace): Promise<ArtifactStore> {
  const open = Object.hasOwn(artifactStores, backend) ? artifactStores[backend] : undefined;
  if (!open) {
    const why = backend === "postgres" || backend === "s3" ? "needs a later version of Duragent" : "is not known";
    throw new DuragentError("unprocessable", `services.artifacts.backend: ${backend} ${why}; use filesystem`);
  }
  const store = await open(place);
  if (place.redactBytes === undefined) return store;
  const { redactedArtifacts } = await import("./artifacts/redacted.ts");
  return redactedArtifacts(store, place.redactBytes);
}

const chatIndexes: Readonly<Record<string, (place: FileChatIndexPlace) => Promise<ChatIndex>>> = {
  filesystem: async (place) => {
    const { FileChatIndex } = await import("./chats/files.ts");
    return FileChatIndex.open(place);
  },
  // Nothing outlives the process: for tests and simulations.
  memory: async ({ clock }) => {
    const { MemoryChatIndex } = await import("./chats/memory.ts");
    return new MemoryChatIndex({ clock });
  },
};

/** Opens the index of messages that chats have brought; see `ChatIndex`. */
export async function openChatIndex(backend: "filesystem" | "memory", place: FileChatIndexPlace): Promise<ChatIndex> {
  const open = chatIndexes[backend];
  if (open) return open(place);
  throw new DuragentError("unprocessable", `there is no index of chats of the kind ${backend}; use filesystem`);
}
