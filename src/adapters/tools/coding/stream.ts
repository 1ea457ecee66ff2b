import { isJsonObject, type JsonObject } from "../../../schema/json-object.ts";

/** What one line of a coding agent's JSON stream means. All of it is optional: most lines say one thing. */
export type Heard = {
  /** By which its conversation is gone on with. */
  sessionId?: string;
  /** What it says; the last of these is its answer, unless there is a `result`. */
  text?: string;
  /** What it does, in a few words. */
  action?: string;
  /** Its answer, where the stream has it apart from what was said. */
  result?: string;
  /** Why it did not do what it was asked to. */
  error?: string;
};

/** How one coding agent is started without a screen, and understood. */
export type CodingAgent = {
  /** The tool, e.g. `codex_exec`. */
  tool: string;
  program: string;
  /** As its users call it. */
  name: string;
  /** The prompt comes by stdin. */
  argv(options: { sessionId?: string; model?: string }): [string, ...string[]];
  hear(line: JsonObject): Heard;
};

/** The object at a path of keys; an empty one where there is none. */
export function objectAt(value: JsonObject, ...keys: string[]): JsonObject {
  let at: unknown = value;
  for (const key of keys) at = isJsonObject(at) ? at[key] : undefined;
  return isJsonObject(at) ? at : {};
}

export function textAt(value: JsonObject, key: string): string | undefined {
  const found = value[key];
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** Only keys that have a value. */
export const said = (heard: { [Key in keyof Heard]: Heard[Key] | undefined }): Heard =>
  Object.fromEntries(Object.entries(heard).filter(([, value]) => value !== undefined));

const shownLengthMax = 200;

/** Arguments of a tool, short enough for a line. */
export function shortly(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}
