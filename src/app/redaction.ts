import { redactor, type Redactor } from "../domain/redact.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { readStoredKeys } from "./stored-keys.ts";

/** Takes out what configuration, the environment and the stored keys hold as secrets. */
export async function redactorFor({ secrets, env }: Pick<LoadedConfig, "secrets" | "env">): Promise<Redactor> {
  return redactor([...secrets, ...Object.values(await readStoredKeys(env))]);
}
