// Looks at every package as npm would publish it, with publint: what it exports, its files and bins. Needs what build.ts makes.
import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";

import { publint } from "publint";
import { formatMessage } from "publint/utils";

import { parseManifest, publishedManifest } from "./published-manifest.ts";

const root = join(import.meta.dirname, "..");
const always = /^(README|LICENSE)(\.md)?$/;

const workspaces = (await readdir(join(root, "gateways"))).map((name) => `gateways/${name}`);
for (const name of [".", ...workspaces]) {
  const folder = join(root, name);
  const manifest = publishedManifest(parseManifest(await readFile(join(folder, "package.json"), "utf8")));
  const listed = manifest["files"];
  if (!Array.isArray(listed)) throw new Error(`${name}/package.json names no files`);
  const top = (await readdir(folder)).filter((file) => always.test(file));
  const names = [
    ...new Set([...top, ...(await Promise.all(listed.map((file) => filesUnder(folder, String(file))))).flat()]),
  ];
  const files = await Promise.all(
    names.map(async (file) => ({ name: `package/${file}`, data: await readFile(join(folder, file)) })),
  );
  const packageJson = { name: "package/package.json", data: JSON.stringify(manifest) };
  const { messages, pkg } = await publint({
    pkgDir: "package",
    pack: { files: [packageJson, ...files] },
    strict: true,
  });
  for (const message of messages) {
    console.error(`${message.type}: ${name}: ${formatMessage(message, pkg)}`);
    if (message.type !== "suggestion") process.exitCode = 1;
  }
  if (!names.some((file) => file.startsWith("dist/"))) {
    console.error(`error: ${name} has no dist/: run \`npm run build\`.`);
    process.exitCode = 1;
  }
}

async function filesUnder(folder: string, path: string): Promise<string[]> {
  const inside = await readdir(join(folder, path), { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return null;
    throw error;
  });
  if (inside === null) return [path];
  return inside
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(entry.parentPath.slice(folder.length + 1), entry.name));
}
