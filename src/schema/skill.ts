import { z } from "zod";

/** The head of a SKILL.md (https://agentskills.io/specification); keys that mean nothing here are left to others. */
export const skillHeadSchema = z.looseObject({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "must be small letters, digits and single hyphens between them"),
  description: z
    .string()
    .max(1024)
    .refine((text) => text.trim() !== "", "must say what the skill does and when to use it"),
});

/** The YAML between the first two lines `---` of a file; `null` where it does not begin so. */
export function frontMatter(text: string): string | null {
  return /^\uFEFF?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|$)/ms.exec(text)?.[1] ?? null;
}
