import type { ExternalGateway } from "../../schema/config-gateways.ts";
import { Secret, secretsIn } from "../../schema/secret.ts";
import { bundledGateways } from "./registry.ts";

/** Without these some networks let nothing out. */
const proxyVariables = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

type Sources = {
  /** What every program gets. */
  minimal: Readonly<Record<string, string>>;
  /** The server's own, secrets included. */
  server: Readonly<Record<string, string | undefined>>;
};

/** What a gateway's program gets: the minimum, proxies, of the server's secrets a bundled gateway's own alone, and its `env`. */
export function gatewayEnvironment(gateway: ExternalGateway, { minimal, server }: Sources): Record<string, string> {
  const picked = [...proxyVariables, ...ownSecrets(gateway)].flatMap((name) => {
    const value = server[name];
    return value ? [[name, value] as const] : [];
  });
  return { ...minimal, ...Object.fromEntries(picked), ...gateway.env.reveal() };
}

/** What must not show in what a gateway says. */
export function gatewaySecrets(gateway: ExternalGateway, { server }: Pick<Sources, "server">): string[] {
  const own = Object.fromEntries(ownSecrets(gateway).map((name) => [name, server[name] ?? ""]));
  return secretsIn([gateway.env, gateway.config, new Secret(own)]);
}

const ownSecrets = ({ command }: ExternalGateway): readonly string[] =>
  Object.hasOwn(bundledGateways, command) ? (bundledGateways[command]?.secrets ?? []) : [];
