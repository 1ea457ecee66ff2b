import { isIPv4, isIPv6 } from "node:net";

import type { Config } from "../schema/config.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";

/** Whether only this machine reaches an address; names other than localhost are taken to be reachable. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/u, "$1");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (isIPv4(name)) return name.startsWith("127.");
  return isIPv6(name) && (name === "::1" || name.startsWith("::ffff:127."));
}

/** A base URL that a person can click on; an address that stands for all becomes the one for this machine. */
export function urlOf(host: string, port: number): string {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`;
}

/** Throws CommandFailure where the server would listen to nobody, or to other machines, or to its own agents, without any token. */
export function checkListening(config: Config, socketOnly: boolean): { tcp: boolean; socket: boolean } {
  const tcp = config.gateways.http.enabled && !socketOnly;
  const socket = config.gateways.cli.enabled;
  if (!tcp && !socket) {
    throw new CommandFailure(
      exitCodes.configuration,
      "the server would listen nowhere: gateways.http and gateways.cli are both off",
      {
        hint: "turn one of them on in duragent.yaml",
      },
    );
  }
  const hasToken = config.server.apiToken !== undefined || config.admin.token !== undefined;
  if (tcp && !isLoopback(config.server.host) && !hasToken) {
    throw new CommandFailure(
      exitCodes.configuration,
      `server.host ${config.server.host} can be reached from other machines, and there is no token`,
      {
        hint: "set server.api_token in duragent.yaml (or $DURAGENT_API_TOKEN there), or listen on 127.0.0.1",
      },
    );
  }
  if (tcp && config.sandbox.network && !hasToken) {
    throw new CommandFailure(
      exitCodes.configuration,
      "sandbox.network lets the commands of agents reach this server's API, and there is no token: they could change their own rules",
      {
        hint: "set server.api_token or admin.token in duragent.yaml, or leave sandbox.network off, or set gateways.http.enabled: false",
      },
    );
  }
  return { tcp, socket };
}
