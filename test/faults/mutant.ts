import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** A fault put into the source on purpose. The test that it names must go red, or that test proves nothing. */
export type Mutant = {
  /** What it breaks, as a sentence's beginning: "acknowledges before the sync". */
  name: string;
  /** Relative to the repository. */
  file: string;
  /** Occurs once in the file. */
  find: string;
  replace: string;
  /** The test file that must go red, relative to the repository. */
  test: string;
  /** Only the test whose name matches. */
  only?: string;
};

/** The mutants of mutants/*.ts, of which each exports one or a list; with names only those of a file or a name that is named. */
export async function mutantsNamed(names: readonly string[]): Promise<Mutant[]> {
  const folder = join(import.meta.dirname, "mutants");
  const mutants: Mutant[] = [];
  for (const file of (await readdir(folder)).filter((one) => one.endsWith(".ts")).toSorted()) {
    const exported: Record<string, Mutant | readonly Mutant[]> = await import(join(folder, file));
    const all = Object.values(exported).flat();
    const isNamed = names.length === 0 || names.includes(file.replace(/\.ts$/, ""));
    mutants.push(...all.filter(({ name }) => isNamed || names.some((wanted) => name.includes(wanted))));
  }
  return mutants;
}
