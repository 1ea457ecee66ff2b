import { hasCode } from "../error-code.ts";

/** Turns lines of JSON into lines for people, by the optional package pino-pretty; `undefined` where it is not installed. */
export async function prettyLines(options: { colors: boolean }): Promise<((line: string) => string) | undefined> {
  try {
    const { prettyFactory } = await import("pino-pretty");
    return prettyFactory({ colorize: options.colors, translateTime: "SYS:HH:MM:ss.l" });
  } catch (error) {
    if (hasCode(error, "ERR_MODULE_NOT_FOUND")) return undefined;
    throw error;
  }
}
