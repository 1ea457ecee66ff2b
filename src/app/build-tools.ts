import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { LRUCache } from "lru-cache";

import { isForeign } from "../adapters/mcp/server-entry.ts";
import type { CliTools } from "../adapters/tools/cli-tools.ts";
import type { ToolAgent, ToolParts } from "../adapters/tools/parts.ts";
import { sessionSettings } from "../domain/session/settings.ts";
import type { AgentSessions } from "../ports/agent-sessions.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { MemoryStore } from "../ports/memory-store.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import type { Log } from "../ports/telemetry.ts";
import type { Tool } from "../ports/tool.ts";
import type { LoadedAgent } from "../runtime/agents/catalog-types.ts";
import type { ToolSet } from "../runtime/parts.ts";
import type { SessionId } from "../schema/ids.ts";
import { programVersion } from "../surfaces/cli/version.ts";
import { AgentToolSet, programFolders } from "./agent-tool-set.ts";
import { boundedTool } from "./bounded-tool.ts";
import type { InForce } from "./build-runtime.ts";
import { lazily } from "./lazily.ts";

/** Versions of agents whose tools are kept; sessions hold on to those that they use. */
const toolSetsMax = 256;

export type ToolGround = {
  inForce: InForce;
  env: Readonly<Record<string, string | undefined>>;
  sandbox: Promise<Sandbox>;
  files: FileSystem;
  clock: Clock;
  log: Log;
  artifacts: ArtifactStore;
  memory: MemoryStore;
  sessions: AgentSessions;
};

export type AgentTools = {
  toolsOf(agent: LoadedAgent): ToolSet;
  /** Finds the background processes that an earlier start of the server has left. */
  start(): Promise<void>;
  /** Whether background processes run, whose ends are to be told. */
  hasProcesses(): boolean;
  /** Ends what the session's tools left running. */
  sessionEnded(id: SessionId): void;
  /** Stops all that runs for tools, but for processes that can be found again. */
  close(): Promise<void>;
};

/** What agents can do. Nothing of it is loaded or started before an agent with tools is used. */
export function openTools(ground: ToolGround): AgentTools {
  const { inForce, files, clock, log } = ground;
  const { dataDir } = inForce.config;
  const sharedFolder = join(dataDir, "tools");
  const processesFolder = join(dataDir, "processes");
  const redactText = (text: string): string => inForce.redaction.redactor.text(text);

  const policies = lazily(async () => {
    const { createFilePolicies } = await import("../adapters/policy/file-policies.ts");
    return createFilePolicies({ workspaceFile: join(dataDir, "policy.yaml"), fileSystem: files, log, clock });
  });
  const commands = lazily(async () => {
    const { createCommandRunner } = await import("../adapters/processes/command-runner.ts");
    return createCommandRunner({
      ...ground,
      sandbox: await ground.sandbox,
      redactBytes: () => inForce.redaction.redactor.byteStream(),
      env: { ...ground.env },
    });
  });
  const processes = lazily(async () => {
    const { openBackgroundProcesses } = await import("../adapters/processes/background/open.ts");
    return openBackgroundProcesses({
      folder: processesFolder,
      fileSystem: files,
      sandbox: await ground.sandbox,
      sessions: ground.sessions,
      clock,
      log,
      env: { ...ground.env },
      redactText,
    });
  });
  const mcp = lazily(async () => {
    const [{ createMcpServers }, { minimalEnvironment }, { Watchdog }, { createAddressGuard }, { fetchWithin }] =
      await Promise.all([
        import("../adapters/mcp/servers.ts"),
        import("../adapters/processes/minimal-environment.ts"),
        import("../adapters/processes/watchdog.ts"),
        import("../adapters/tools/web/address-guard.ts"),
        import("../adapters/tools/web/guarded-fetch.ts"),
      ]);
    const sandbox = await ground.sandbox;
    const watchdog = new Watchdog();
    return createMcpServers({
      sandbox,
      // Inside a sandbox the kernel sees to it.
      ...(sandbox.kind === "none" ? { watch: (group: number, mark: string) => watchdog.watch(group, mark) } : {}),
      clock,
      log,
      isOffline: sandbox.kind !== "none" && !inForce.config.sandbox.network,
      environment: minimalEnvironment({ ...ground.env }),
      webGuard: fetchWithin(createAddressGuard(() => inForce.config.web?.allow_private ?? false)),
      version: programVersion(),
      deployedFolder: inForce.config.agents.dynamicPath,
    });
  });

  const agentOf = (agent: LoadedAgent): ToolAgent => ({
    name: agent.name,
    home: agent.home,
    isForeign: isForeign(agent, inForce.config.agents.dynamicPath),
    definition: agent.definition,
    files: agent.files,
    workspace: join(dataDir, "workspace", agent.name),
    readable: readableFolders(agent, sharedFolder),
  });

  const partsFor = async (agent: ToolAgent, reload: () => Promise<CliTools>): Promise<ToolParts> => ({
    agent,
    commands: await commands.get(),
    processes: await processes.get(),
    artifacts: ground.artifacts,
    memory: ground.memory,
    sessions: ground.sessions,
    clock,
    log,
    sessionsFolder: inForce.config.services.session.path,
    web: () => inForce.config.web,
    version: programVersion(),
    reloadTools: async () => {
      const { found, folders } = await reload();
      return { tools: found, folders };
    },
  });

  const makeBuiltins = async (agent: ToolAgent, reload: () => Promise<CliTools>) => {
    const { makeBuiltin } = await import("../adapters/tools/registry.ts");
    const { tools: entries, memory } = agent.definition.spec;
    const names = entries.flatMap((entry) => (entry.type === "builtin" ? [entry.name] : []));
    if (memory !== undefined && !names.includes("memory")) names.push("memory");
    await mkdir(agent.workspace, { recursive: true, mode: 0o700 });
    const parts = await partsFor(agent, reload);
    const tools: Tool[] = [];
    const problems: string[] = [];
    for (const name of names) {
      try {
        const tool = await makeBuiltin(name, parts);
        if (tool) tools.push(tool);
        else problems.push(`the tool ${name}: it needs a later version of Duragent`);
      } catch (error) {
        problems.push(`the tool ${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return { tools, problems };
  };

  const open = (loaded: LoadedAgent): AgentToolSet => {
    inForce.redaction.learn(loaded.definition.spec.tools);
    const agent = agentOf(loaded);
    const builtins = lazily(() => makeBuiltins(agent, () => set.reload()));
    const hasMcp = loaded.definition.spec.tools.some(({ type }) => type === "mcp");
    const shownTokensMax = () =>
      sessionSettings(loaded.definition.spec.session, inForce.config.session).context.maxToolResultTokens;
    const set: AgentToolSet = new AgentToolSet(loaded, {
      log,
      sources: {
        policy: async () => (await policies.get()).of(agent),
        builtins: builtins.get,
        cli: async () => {
          const { findCliTools } = await import("../adapters/tools/registry.ts");
          return findCliTools({ agent, commands: await commands.get(), sharedFolder });
        },
        mcp: hasMcp ? async () => (await mcp.get()).toolsOf(agent) : null,
        starting: () => mcp.opened?.starting(agent) ?? [],
        folders: programFolders(loaded.home, sharedFolder),
        bounded: (tool) => boundedTool(tool, { artifacts: ground.artifacts, shownTokensMax, redact: redactText, log }),
      },
    });
    return set;
  };

  const sets = new LRUCache<string, AgentToolSet>({ max: toolSetsMax });
  return {
    toolsOf(agent) {
      const key = JSON.stringify([agent.name, agent.home, agent.digest]);
      const known = sets.get(key) ?? open(agent);
      sets.set(key, known);
      return known;
    },
    async start() {
      if (existsSync(processesFolder)) await processes.get();
    },
    hasProcesses: () => (processes.opened?.runningCount() ?? 0) > 0,
    sessionEnded(id) {
      processes.opened?.killOfSession(id).catch((error: unknown) => {
        log.warn({ session_id: id, err: error }, "a process of a session that has ended was not ended");
      });
    },
    async close() {
      const open = [mcp.started, commands.started, processes.started];
      // One that could not be opened has nothing to close; that was said when it was wanted.
      const opened = await Promise.allSettled(open.map(async (one) => (await one)?.close()));
      for (const one of opened)
        if (one.status === "rejected") log.warn({ err: one.reason }, "something that tools had started was not closed");
    },
  };
}

/** What the tools of an agent may read besides its workspace: its skills and programs, and the shared programs. */
function readableFolders({ home, skills }: LoadedAgent, sharedFolder: string): string[] {
  return [...skills.map(({ path }) => dirname(path)), ...programFolders(home, sharedFolder)];
}
