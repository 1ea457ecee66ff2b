/** What a prompt of agent.yaml means: text, a file of the package, or something that is not allowed. */
export type PromptSource =
  | { readonly kind: "text"; readonly text: string; readonly looksLikePath: boolean }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "wrong"; readonly message: string };

/**
 * A value names a file if it is a path of the package, begins with `./`, or is one word that ends in `.md`. An agent
 * without a folder (`single`) has no other files, so there it is text unless it names one.
 */
export function promptSource(
  value: string,
  files: { has(path: string): boolean; refused: readonly string[]; single: boolean },
): PromptSource {
  const isOneLine = !value.includes("\n") && value.length <= 1024;
  const path = isOneLine ? insidePath(value) : null;
  if (path !== null && files.has(path)) return { kind: "file", path };
  const looksLikePath = isOneLine && (/^\.{0,2}\/\S*$/.test(value) || /^\S+\.(md|markdown|txt)$/i.test(value));
  if (!looksLikePath || files.single) return { kind: "text", text: value, looksLikePath };
  if (path === null) return { kind: "wrong", message: "a path may not leave the agent's folder" };
  if (isRefused(path, files.refused))
    return { kind: "wrong", message: `${path} leads out of the agent's folder, or is no file` };
  return { kind: "wrong", message: `there is no file ${path} in the agent's folder` };
}

/** A relative path without `.` and `..`; `null` where it is absolute or leads out. */
export function insidePath(written: string): string | null {
  if (written.startsWith("/") || written.includes("\0") || written.includes("\\")) return null;
  const parts: string[] = [];
  for (const part of written.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}

/** Whether a path, or a folder on its way, was refused. */
export function isRefused(path: string, refused: readonly string[]): boolean {
  return refused.some((entry) => path === entry || path.startsWith(`${entry}/`));
}
