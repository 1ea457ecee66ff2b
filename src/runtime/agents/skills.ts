import type { Skill } from "../../domain/prompt/skills-block.ts";
import type { AgentFiles } from "../../ports/agent-store.ts";
import { parseYaml } from "../../schema/parse-yaml.ts";
import { frontMatter, skillHeadSchema } from "../../schema/skill.ts";
import { readYaml } from "../../schema/yaml-document.ts";

/** Where the store puts the skills of all agents, each as NAME/SKILL.md, and beside them the folder that they lie in. */
const sharedSkills = ".shared/skills";
const sharedRoot = ".shared/skills-folder";
/** More would fill the prompt with what is never used. */
const skillsMax = 100;

type Material = {
  readonly files: AgentFiles;
  readonly home: string;
  /** Inside the agent's folder, without `/` at its end. */
  readonly skillsFolder: string;
  readonly refused: readonly string[];
};

/** The skills of an agent: its own stand before the shared ones of their name. What can not be used is said in `warnings`. */
export function skillsOf({ files, home, skillsFolder, refused }: Material): { skills: Skill[]; warnings: string[] } {
  const warnings: string[] = [];
  const found = new Map<string, Skill>();
  const take = (folder: string, root: string, isShared: boolean): void => {
    for (const [file, bytes] of skillFiles(files, folder)) {
      const name = file.split("/").at(-2) ?? "";
      const shown = isShared ? `the shared skill ${name}` : file;
      const read = headOf(bytes, name);
      if ("fault" in read) warnings.push(`skills: ${shown} ${read.fault}; it is left out`);
      else if (!found.has(name))
        found.set(name, { ...read, path: `${root}/${file.slice(isShared ? sharedSkills.length + 1 : 0)}` });
      else if (!isShared) warnings.push(`skills: ${shown} is a second skill of its name; it is left out`);
    }
  };
  const own = [...new Set([skillsFolder, ".agents/skills"])];
  // Without a folder there is no file that the model could read.
  if (home !== "") for (const folder of own) take(folder, home, false);
  const root = files.get(sharedRoot);
  if (root !== undefined) take(sharedSkills, new TextDecoder().decode(root), true);
  for (const path of refused) {
    if (own.some((folder) => path === folder || path.startsWith(`${folder}/`)))
      warnings.push(`skills: ${path} leads out of the agent's folder, or is no file; it is left out`);
  }
  const skills = [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (skills.length > skillsMax) warnings.push(`skills: of ${skills.length} the first ${skillsMax} are used`);
  return { skills: skills.slice(0, skillsMax), warnings };
}

/** NAME/SKILL.md in a folder; what lies deeper belongs to a skill. */
function skillFiles(files: AgentFiles, folder: string): [string, Uint8Array][] {
  const prefix = folder === "" ? "" : `${folder}/`;
  return [...files].filter(([path]) => path.startsWith(prefix) && /^[^/]+\/SKILL\.md$/.test(path.slice(prefix.length)));
}

function headOf(bytes: Uint8Array, folderName: string): { name: string; description: string } | { fault: string } {
  if (bytes.length === 0) return { fault: "is empty, too large, or leads out of its folder" };
  const head = frontMatter(new TextDecoder().decode(bytes));
  if (head === null) return { fault: "does not begin with `---` and a name and a description" };
  const read = readYaml(head, { file: "SKILL.md" });
  const parsed = read.ok ? parseYaml(read.document, skillHeadSchema) : read;
  if (!parsed.ok) {
    const wrong = parsed.errors.map(
      ({ path, message }) => `${path === undefined || path === "" ? "" : `${path}: `}${message}`,
    );
    return { fault: `has a wrong head (${wrong.join("; ")})` };
  }
  const { name, description } = parsed.value;
  if (name !== folderName) return { fault: `is named ${name}, but lies in a folder ${folderName}` };
  return { name, description: description.trim() };
}
