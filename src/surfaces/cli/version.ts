import { readFileSync } from "node:fs";

/** The program's version, from its package.json. */
export function programVersion(): string {
  // The same distance to package.json from src/ and from a compiled dist/.
  const parsed: unknown = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  if (typeof parsed === "object" && parsed !== null && "version" in parsed && typeof parsed.version === "string")
    return parsed.version;
  throw new Error("package.json has no version");
}
