/** One file of a version of an agent may have so many bytes, all together, and so many may there be. */
export const versionFileBytesMax = 1024 * 1024;
export const versionBytesMax = 16 * 1024 * 1024;
export const versionFilesMax = 2_000;
/** Folders inside folders. */
export const packageDepthMax = 8;
/** A whole agent, with its tools, as it travels. */
export const packageBytesMax = 64 * 1024 * 1024;
export const packageFilesMax = 10_000;

// What changes while the agent works, or was installed there, is not the agent's own.
const others = new Set(["memory", "node_modules", "policy.local.yaml"]);

/** Whether a path inside an agent's folder (with `/`) belongs to the agent: then it goes wherever the agent goes. */
export function isAgentFile(path: string): boolean {
  const [first = ""] = path.split("/");
  return !others.has(first) && (!first.startsWith(".") || first === ".agents") && !path.includes("node_modules");
}

/**
 * Whether it is kept with the version that a turn uses: a policy is always read fresh, a tool runs as it is now, and of a
 * skill the prompt needs what stands in its SKILL.md.
 */
export function isVersionFile(path: string): boolean {
  return (
    isAgentFile(path) && path !== "policy.yaml" && (!/^(tools|skills|\.agents)\//.test(path) || path.endsWith(".md"))
  );
}
