import type { WrittenConfig } from "../../schema/config-file.ts";
import { Secret } from "../../schema/secret.ts";

type Gateways = WrittenConfig["gateways"];

/** The older names of keys and the keys that they stand for: both may be given only if they agree. */
const renamed: readonly {
  older: string;
  key: string;
  read: (file: WrittenConfig) => readonly [older: unknown, key: unknown];
}[] = [
  { older: "workspace", key: "data_dir", read: (file) => [file.workspace, file.data_dir] },
  { older: "agents_dir", key: "agents.static.path", read: (file) => [file.agents_dir, file.agents.static.path] },
  { older: "gateways.http.port", key: "server.port", read: (file) => [file.gateways.http.port, file.server.port] },
  {
    older: "server.admin_token",
    key: "admin.token",
    read: (file) => [file.server.admin_token?.reveal(), file.admin.token?.reveal()],
  },
  {
    older: "server.idle_timeout_seconds",
    key: "session.idle_timeout_seconds",
    read: (file) => [file.server.idle_timeout_seconds, file.session.idle_timeout_seconds],
  },
];

/** Keys that contradict each other, by the path of the older one. */
export function contradictions(file: WrittenConfig): { path: string[]; message: string }[] {
  const found = renamed.flatMap(({ older, key, read }) => {
    const [a, b] = read(file);
    const differ = a !== undefined && b !== undefined && a !== b;
    return differ ? [{ path: older.split("."), message: `"${key}" says otherwise; keep one of them` }] : [];
  });
  if (file.services.artifact !== undefined && file.services.artifacts !== undefined) {
    found.push({ path: ["services", "artifact"], message: '"services.artifacts" is given too; keep one of them' });
  }
  for (const name of ["telegram", "discord"] as const) {
    if (file.gateways[name]?.enabled && file.gateways.external.some((gateway) => gateway.name === name)) {
      const message = `"gateways.external" has a gateway of that name too; keep one of them`;
      found.push({ path: ["gateways", name], message });
    }
  }
  return found;
}

/** The file with every older key folded into the one it stands for. */
export function foldCompatibleKeys(file: WrittenConfig): WrittenConfig {
  const dataDir = file.data_dir ?? file.workspace;
  const port = file.server.port ?? file.gateways.http.port;
  const agentsPath = file.agents.static.path ?? file.agents_dir;
  const artifacts = file.services.artifacts ?? file.services.artifact;
  const adminToken = file.admin.token ?? file.server.admin_token;
  const idle =
    file.session.idle_timeout_seconds ?? file.server.idle_timeout_seconds ?? file.sessions?.idle_timeout_seconds;
  return {
    ...file,
    data_dir: dataDir,
    server: { ...file.server, port },
    admin: { ...file.admin, token: adminToken },
    agents: { ...file.agents, static: { ...file.agents.static, path: agentsPath } },
    services: { ...file.services, artifacts },
    session: {
      ...file.sessions,
      ...file.session,
      ...(idle === undefined ? {} : { idle_timeout_seconds: idle }),
      ...(file.sessions?.context === undefined
        ? {}
        : { context: { ...file.sessions.context, ...file.session.context } }),
    },
    gateways: { ...file.gateways, external: externalGateways(file.gateways) },
  };
}

/** `gateways.telegram` and `gateways.discord` are short for an entry of `external`. */
function externalGateways(gateways: Gateways): Gateways["external"] {
  const bundled = (["telegram", "discord"] as const).flatMap((name) => {
    const short = gateways[name];
    if (!short?.enabled) return [];
    const config: Record<string, string> = short.bot_token === undefined ? {} : { bot_token: short.bot_token.reveal() };
    return [
      {
        name,
        command: `duragent-gateway-${name}`,
        args: [],
        env: new Secret<Record<string, string>>({}),
        config: new Secret(config),
        restart: "on_failure" as const,
      },
    ];
  });
  const renamedCommands = gateways.external.map((gateway) => ({
    ...gateway,
    command: gateway.command.replace(/^duragent-(telegram|discord)$/, "duragent-gateway-$1"),
  }));
  return [...renamedCommands, ...bundled];
}
