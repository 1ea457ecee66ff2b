// npm run mutants [-- NAME…]: puts each fault of mutants/*.ts into a copy of the source and runs its test, which must fail.
// With names: only the files of mutants/ so called, and mutants in whose name one of them stands.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

import { mutantsNamed, type Mutant } from "./mutant.ts";

const root = join(import.meta.dirname, "../..");
/** A mutant may make its test wait for ever: that is red, too. */
const mutantTimeoutMs = 300_000;
const copied = ["src", "gateways", "test", "bin", "schemas", "package.json", "tsconfig.json"];

/** The source in a folder of its own; what it needs is the same, but for its own packages, which may be what is mutated. */
async function copyOfSource(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "duragent-mutants-"));
  for (const name of copied) await cp(join(root, name), join(copy, name), { recursive: true });
  const [theirs, ours] = [join(root, "node_modules"), join(copy, "node_modules")];
  await mkdir(join(ours, "@duragent"), { recursive: true });
  for (const name of await readdir(theirs))
    if (name !== "@duragent") await symlink(join(theirs, name), join(ours, name));
  for (const name of await readdir(join(theirs, "@duragent")))
    await cp(join(theirs, "@duragent", name), join(ours, "@duragent", name), { verbatimSymlinks: true });
  return copy;
}

/** Runs one test file in a copy, or only those of its tests whose name matches. */
async function isGreen(copy: string, { test, only }: Pick<Mutant, "test" | "only">): Promise<boolean> {
  const pattern = only === undefined ? [] : [`--test-name-pattern=${only}`];
  const child = spawn(process.execPath, ["--test", "--test-timeout=240000", ...pattern, test], {
    cwd: copy,
    detached: true,
    stdio: "ignore",
  });
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), mutantTimeoutMs);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  return code === 0;
}

/** What is wrong with a mutant; `null`: its test turned red, as it must. */
async function problemOf(mutant: Mutant, copy: string): Promise<string | null> {
  const path = join(copy, mutant.file);
  const source = await readFile(path, "utf8");
  const times = source.split(mutant.find).length - 1;
  if (times !== 1) return `its text stands ${times} times in ${mutant.file}`;
  try {
    await writeFile(
      path,
      source.replace(mutant.find, () => mutant.replace),
    );
    return (await isGreen(copy, mutant)) ? `${mutant.test} did not notice` : null;
  } finally {
    await writeFile(path, source);
  }
}

async function main(): Promise<number> {
  const mutants = await mutantsNamed(process.argv.slice(2));
  const tests = [...new Set(mutants.map((one) => one.test))];
  const problems: string[] = [];
  const copies = await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, copyOfSource));
  const spread = async <Item>(items: readonly Item[], work: (item: Item, copy: string) => Promise<void>) => {
    const left = [...items];
    await Promise.all(
      copies.map(async (copy) => {
        for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item, copy);
      }),
    );
  };
  try {
    // Red means nothing where the test is red without the fault.
    await spread(tests, async (test, copy) => {
      if (!(await isGreen(copy, { test }))) problems.push(`${test} fails without any fault`);
    });
    await spread(mutants, async (mutant, copy) => {
      const problem = await problemOf(mutant, copy);
      process.stdout.write(`${problem === null ? "noticed " : "SURVIVED"}  ${mutant.name}\n`);
      if (problem !== null) problems.push(`${mutant.name}: ${problem}`);
    });
  } finally {
    for (const copy of copies) await rm(copy, { recursive: true, force: true });
  }
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.stdout.write(`${mutants.length} mutants, ${problems.length} problems\n`);
  return problems.length === 0 && mutants.length > 0 ? 0 : 1;
}

process.exitCode = await main();
