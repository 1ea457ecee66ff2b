const nameLengthMax = 64;
const separator = "__";

/**
 * `server__tool` as providers take it: 1 to 64 letters, digits, _ or -. Whatever else is in a tool's name becomes "_"; names that are
 * too long, or that become equal but for case, are left out, and `onProblem` hears why: a name that two tools share would let one
 * be approved and the other run.
 */
export function toolNames(
  server: string,
  tools: readonly string[],
  onProblem: (text: string) => void,
): Map<string, string> {
  const byName = new Map<string, string>();
  const folded = new Map<string, string>();
  for (const tool of tools) {
    const name = `${server}${separator}${tool.replaceAll(/[^A-Za-z0-9_-]/gu, "_")}`;
    const shown = JSON.stringify(tool.slice(0, 100));
    const other = folded.get(name.toLowerCase());
    if (tool === "" || name.length > nameLengthMax)
      onProblem(
        `its tool ${shown} is left out: ${name.slice(0, 100)} is not a name of 1 to ${nameLengthMax} characters`,
      );
    else if (other !== undefined)
      onProblem(`its tool ${shown} is left out: it has the same name as ${JSON.stringify(other.slice(0, 100))}`);
    else {
      folded.set(name.toLowerCase(), tool);
      byName.set(name, tool);
    }
  }
  return byName;
}
