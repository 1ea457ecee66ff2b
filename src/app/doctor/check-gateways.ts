import { findGatewayProgram } from "../../adapters/gateways/find-gateway-program.ts";
import { gatewayEnvironment } from "../../adapters/gateways/gateway-environment.ts";
import { minimalEnvironment } from "../../adapters/processes/minimal-environment.ts";
import type { GatewayStatus } from "../../ports/gateway-host.ts";
import type { AgentCatalog } from "../../runtime/agents/catalog-types.ts";
import type { ExternalGateway } from "../../schema/config-gateways.ts";
import type { Check } from "../../surfaces/cli/ground.ts";
import type { LoadedConfig } from "../config/load-config.ts";
import { gapsInAnswering } from "../gaps-in-answering.ts";

type Facts = {
  loaded: Pick<LoadedConfig, "config" | "env" | "folder">;
  catalog: Pick<AgentCatalog, "list" | "invalid">;
  /** As a running server has them. */
  running?: readonly GatewayStatus[] | undefined;
};

/** What a gateway that comes along needs: one of these keys of `config`, or one of these variables. */
type Need = { keys: readonly string[]; variables: readonly string[] };

const botToken = (...variables: string[]): Need => ({ keys: ["bot_token"], variables });

function needsOf({ command, config }: ExternalGateway): readonly Need[] {
  switch (command) {
    case "duragent-gateway-telegram":
      return [botToken("TELEGRAM_BOT_TOKEN")];
    case "duragent-gateway-discord":
      return [{ keys: ["bot_token", "token"], variables: ["DISCORD_BOT_TOKEN", "DISCORD_TOKEN"] }];
    case "duragent-gateway-slack":
      return [
        botToken("SLACK_BOT_TOKEN"),
        config.reveal()["http"] === undefined
          ? { keys: ["app_token"], variables: ["SLACK_APP_TOKEN"] }
          : { keys: ["signing_secret"], variables: ["SLACK_SIGNING_SECRET"] },
      ];
    default:
      return [];
  }
}

/** Chat gateways: their programs, tokens, who answers what comes there, and how they are where a server runs them. */
export async function checkGateways(facts: Facts): Promise<Check[]> {
  const { external } = facts.loaded.config.gateways;
  const checks = await Promise.all(
    external.map(async (gateway) => {
      const found = [
        ...(await checkProgram(gateway, facts)),
        ...checkTokens(gateway, facts),
        ...checkState(gateway, facts),
      ];
      return found.length > 0 ? found : [ok(`${gateway.name}: ${gateway.command} can be started`)];
    }),
  );
  const gaps = gapsInAnswering(facts.loaded.config, facts.catalog);
  return external.length === 0 ? [] : [...checks.flat(), ...gaps.map(({ message, remedy }) => failed(message, remedy))];
}

async function checkProgram(gateway: ExternalGateway, { loaded: { env, folder } }: Facts): Promise<Check[]> {
  const { PATH: path } = gatewayEnvironment(gateway, { minimal: minimalEnvironment({ ...env }), server: env });
  const found = await findGatewayProgram({ command: gateway.command, configFolder: folder, path });
  return found.kind === "found" ? [] : [failed(`${gateway.name}: there is no such program`, found.fault)];
}

function checkTokens(gateway: ExternalGateway, { loaded: { env } }: Facts): Check[] {
  const variables = gatewayEnvironment(gateway, { minimal: {}, server: env });
  const config = gateway.config.reveal();
  return needsOf(gateway)
    .filter(({ keys, variables: names }) => !keys.some((key) => config[key]) && !names.some((name) => variables[name]))
    .map(({ keys, variables: names }) =>
      failed(
        `${gateway.name}: there is no ${keys[0]}`,
        `set ${keys.join(" or ")} under config of this gateway in duragent.yaml, or ${names.join(" or ")} in the server's environment`,
      ),
    );
}

function checkState({ name }: ExternalGateway, { running }: Facts): Check[] {
  const status = running?.find((one) => one.name === name);
  if (!status || status.state === "off") return [];
  const why = status.lastError === undefined ? "" : `: ${status.lastError}`;
  if (status.auth)
    return [warned(`${name}: the platform must let it in first`, `\`duragent gateway test ${name}\` shows what to do`)];
  if (status.state === "failed")
    return [
      failed(`${name}: it failed five times in a row${why}`, `mend that, then \`duragent gateway restart ${name}\``),
    ];
  if (status.state !== "ready")
    return [warned(`${name}: it is ${status.state}${why}`, `\`duragent gateway list\` shows how it goes on`)];
  if (status.connected === false)
    return [
      warned(`${name}: it runs and does not reach its platform${why}`, "check the network and the platform's status"),
    ];
  return [ok(`${name}: it is ready${status.restarts > 0 ? `, after ${status.restarts} restarts` : ""}`)];
}

const ok = (message: string): Check => ({ status: "ok", message });
const warned = (message: string, remedy: string): Check => ({ status: "warn", message, remedy });
const failed = (message: string, remedy: string): Check => ({ status: "error", message, remedy });
