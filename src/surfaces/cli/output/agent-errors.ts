import { join } from "node:path";

import { terminalText } from "../../../domain/terminal-text.ts";
import type { HealthBody, InvalidAgentHealth } from "../../../schema/api/server.ts";

/** `file:line:column: message`, as compilers say it and editors jump to it. */
export const agentErrorLines = ({ errors }: Pick<InvalidAgentHealth, "errors">, folder: string): string[] =>
  errors.map(({ file, line, column, path, message }) => {
    const place = [join(folder, file), line, column].filter((part) => part !== undefined).join(":");
    return terminalText(`${place}: ${path === undefined || path === "" ? "" : `${path}: `}${message}`);
  });

/** That the agent as it was edited last is not valid, and an earlier version answers; `null` where it is. */
export function agentWarning({ checks }: Pick<HealthBody, "checks">, name: string): string | null {
  const edited = checks?.agents?.invalid.find((one) => one.serving_last_good && one.name === name);
  const [first] = edited === undefined ? [] : agentErrorLines(edited, edited.name);
  return first === undefined ? null : `the last valid version of the agent answers, because ${first}`;
}
