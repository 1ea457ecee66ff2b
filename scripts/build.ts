// Compiles src/ to dist/ for publishing, here and in each workspace, or in those that are named: Node does not strip types
// under node_modules. What is not TypeScript is copied.
import { spawnSync } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
/** The types of the first are needed by all others. */
const packages = ["gateways/protocol", "gateways/telegram", "gateways/discord", "gateways/slack", "."];
const named = process.argv.slice(2);

for (const [index, name] of packages.entries()) {
  if (index > 0 && named.length > 0 && !named.includes(name)) continue;
  const folder = join(root, name);
  const dist = join(folder, "dist");
  await rm(dist, { recursive: true, force: true });
  const compiled = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: folder, stdio: "inherit" });
  if (compiled.status !== 0) {
    console.error(`error: ${join(name, "src")} does not compile; the messages of tsc are above.`);
    process.exit(1);
  }
  await cp(join(folder, "src"), dist, { recursive: true, filter: (path) => !path.endsWith(".ts") });
}
