import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment with what `.env` of the folder adds; what is set already stays as it is. */
export async function withEnvironmentFile(folder: string, environment: Environment): Promise<Environment> {
  let text: string;
  try {
    text = await readFile(join(folder, ".env"), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EISDIR")) {
      return environment;
    }
    throw error;
  }
  return { ...parseEnv(text.replace(/^\uFEFF/, "")), ...environment };
}

/** Values that the environment gives under the names of keys, tokens and passwords, 8 characters and more. */
export function environmentSecrets(environment: Environment): string[] {
  const secretName = /(_API_KEY|_TOKEN|_SECRET|_ACCESS_KEY|_PASSWORD)$/;
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && value.length >= 8 && secretName.test(name) ? [value] : [],
  );
}
