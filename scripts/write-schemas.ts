// Writes schemas/*.schema.json from the zod schemas; with --check only says whether they are current (exit 1 if not).
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { jsonSchemaFiles } from "../src/schema/json-schemas.ts";

const folder = join(import.meta.dirname, "..", "schemas");
const wanted = jsonSchemaFiles();
await mkdir(folder, { recursive: true });
const present = (await readdir(folder)).filter((name) => name.endsWith(".schema.json"));

if (process.argv.includes("--check")) {
  const stale = present.filter((name) => !wanted.has(name));
  for (const [name, text] of wanted) {
    if (!present.includes(name) || (await readFile(join(folder, name), "utf8")) !== text) stale.push(name);
  }
  if (stale.length > 0) {
    console.error(
      `error: not current in schemas/: ${stale.join(", ")}\nhint: run \`npm run schemas\` and commit what it wrote.`,
    );
    process.exitCode = 1;
  }
} else {
  for (const name of present) if (!wanted.has(name)) await rm(join(folder, name));
  for (const [name, text] of wanted) await writeFile(join(folder, name), text);
}
