import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Mutant } from "./mutant.ts";

// Puts one fault after the other into a copy of the tree and runs the test that must notice it. With arguments: only the
// mutants in files so named. Exits 1 if one survives, or if a mutant no longer fits the source.

const root = join(import.meta.dirname, "..", "..");
const copied = ["src", "test", "bin", "schemas", "package.json", "tsconfig.json"];
const timeoutMs = 300_000;

const chosen = process.argv.slice(2);
const files = (await readdir(join(import.meta.dirname, "mutants"))).filter((name) => name.endsWith(".ts")).toSorted();
const named = files.filter((name) => chosen.length === 0 || chosen.includes(name.replace(/\.ts$/, "")));

const tree = await mkdtemp(join(tmpdir(), "duragent-mutants-"));
let survivors = 0;
try {
  for (const name of copied)
    await cp(join(root, name), join(tree, name), { recursive: true, force: true }).catch(onlyIfThere);
  await symlink(join(root, "node_modules"), join(tree, "node_modules"));
  for (const name of named) {
    const { mutant } = (await import(`./mutants/${name}`)) as { mutant: Mutant };
    const verdict = await challenge(mutant);
    if (verdict !== "killed") survivors += 1;
    process.stdout.write(
      `${verdict === "killed" ? "killed  " : "SURVIVED"}  ${mutant.name}${verdict === "killed" ? "" : `: ${verdict}`}\n`,
    );
  }
} finally {
  await rm(tree, { recursive: true, force: true });
}
process.exitCode = survivors > 0 || named.length === 0 ? 1 : 0;

async function challenge(mutant: Mutant): Promise<string> {
  const path = join(tree, mutant.file);
  const source = await readFile(path, "utf8");
  if (source.split(mutant.find).length !== 2) return `what it changes does not occur once in ${mutant.file}`;
  await writeFile(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  try {
    return (await isRed(mutant)) ? "killed" : `${mutant.test} stays green`;
  } finally {
    await writeFile(path, source);
  }
}

function isRed(mutant: Mutant): Promise<boolean> {
  const only = mutant.only === undefined ? [] : [`--test-name-pattern=${mutant.only}`];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--test", ...only, mutant.test],
      { cwd: tree, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error) => resolve(error !== null),
    );
  });
}

function onlyIfThere(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
