/** An Agent Skill as the prompt names it; `path`: of its SKILL.md, absolute. */
export type Skill = { readonly name: string; readonly description: string; readonly path: string };

/** Names, descriptions and places only: the model reads the file of a skill when it needs it. */
export function skillsBlock(skills: readonly Skill[]): string | undefined {
  if (skills.length === 0) return undefined;
  const items = skills.map(
    ({ name, description, path }) => `- ${name}: ${oneLine(description)}\n  File: ${oneLine(path)}`,
  );
  return `## Skills

Instructions for certain tasks, each in a file. When a task fits a description, read that file first and follow it; paths in it are relative to its folder.

${items.join("\n")}`;
}

/** What somebody wrote stays inside of its item: it can begin no heading and no other item. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
