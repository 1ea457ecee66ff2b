import { terminalLine, terminalText } from "../../../domain/terminal-text.ts";
import type { GatewayBody, GatewayTrialBody } from "../../../schema/api/gateway.ts";

/** A row for each gateway: what it is, how it is, what is wrong. */
export const gatewayHeading = ["NAME", "STATE", "PLATFORM", "RESTARTS", "PROGRAM", "LAST ERROR"] as const;

export function gatewayRow(gateway: GatewayBody): string[] {
  const platform = gateway.connected === null ? "-" : gateway.connected ? "connected" : "not connected";
  const program = gateway.program ? `${gateway.program.gateway} ${gateway.program.version}` : gateway.command;
  return [gateway.name, gateway.state, platform, String(gateway.restarts), program, gateway.last_error ?? ""];
}

/** What a try of a gateway has shown, line by line. */
export function trialLines({ gateway, ping, sent, log = [] }: GatewayTrialBody): string[] {
  const lines: string[] = log.map((line) => `  | ${terminalText(line)}`);
  if (gateway.program)
    lines.push(`ready          ${terminalLine(`${gateway.program.gateway} ${gateway.program.version}`)}`);
  if (ping.answered && gateway.state !== "ready")
    lines.push(
      `NOT ready      it is ${gateway.state}${terminalLine(gateway.last_error ? `: ${gateway.last_error}` : "")}`,
    );
  if (gateway.capabilities.length > 0) lines.push(`can            ${terminalLine(gateway.capabilities.join(", "))}`);
  if (gateway.auth) lines.push(`must be let in ${authLine(gateway.auth)}`);
  if (!ping.answered) lines.push(`no answer      ${terminalLine(ping.detail ?? "")}`);
  else
    lines.push(
      `answered       in ${Math.round(ping.took_ms ?? 0)} ms, ${ping.connected ? "connected to" : "NOT connected to"} its platform`,
    );
  if (sent?.ok)
    lines.push(`sent           ${sent.message_id === null ? "" : `message ${terminalLine(sent.message_id)}`}`);
  else if (sent) lines.push(`NOT sent       ${terminalLine(sent.detail ?? "")}`);
  return lines.map((line) => line.trimEnd());
}

/** Whether a try has shown that it works: one that answers and never says `ready` is sent nothing. */
export const hasWorked = ({ gateway, ping, sent }: GatewayTrialBody): boolean =>
  gateway.state === "ready" && ping.connected === true && sent?.ok !== false;

function authLine(auth: NonNullable<GatewayBody["auth"]>): string {
  if (auth.method === "pair_code") return `enter the code ${terminalLine(String(auth["code"]))} on the platform`;
  const picture = auth["qr_ascii"];
  return typeof picture === "string"
    ? `scan this\n${terminalText(picture)}`
    : `scan ${terminalLine(String(auth["qr_data"]))}`;
}
