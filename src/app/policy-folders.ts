import type { AgentCatalog } from "../runtime/agents/catalog-types.ts";

/** Where policy files may lie: the data directory, and the folders of valid agents; of at most `agentsMax`. */
export async function policyFolders(catalog: AgentCatalog, dataDir: string, agentsMax: number): Promise<string[]> {
  const folders = [dataDir];
  for (const { name } of catalog.list().slice(0, agentsMax)) {
    const home = (await catalog.get(name))?.home ?? "";
    if (home !== "") folders.push(home);
  }
  return folders;
}
