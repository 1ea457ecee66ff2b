import type { Config } from "../../schema/config.ts";
import { CommandFailure } from "../../surfaces/cli/exit.ts";
import type { Check } from "../../surfaces/cli/ground.ts";
import { checkListening, isLoopback } from "../listening.ts";

/** Shorter tokens are guessed. */
const tokenLengthMin = 16;

/** Where the server would listen, and who could come in. */
export function checkListen(config: Config): Check[] {
  try {
    checkListening(config, false);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return [
      error.hint === undefined
        ? { status: "error", message: error.message }
        : { status: "error", message: error.message, remedy: error.hint },
    ];
  }
  const { server, admin } = config;
  const reach = isLoopback(server.host) ? "this machine only" : "other machines too";
  const checks: Check[] = [{ status: "ok", message: `listens on ${server.host}, port ${server.port}: ${reach}` }];
  for (const [name, token] of [
    ["server.api_token", server.apiToken],
    ["admin.token", admin.token],
  ] as const) {
    if (token !== undefined && token.reveal().length < tokenLengthMin) {
      checks.push({
        status: "warn",
        message: `${name} has fewer than ${tokenLengthMin} characters`,
        remedy: "make a longer one, e.g. openssl rand -hex 32",
      });
    }
  }
  return checks;
}
