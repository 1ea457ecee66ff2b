// Compiles src/ to dist/ for publishing: Node does not strip types under node_modules. What is not TypeScript is copied.
import { spawnSync } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

await rm(dist, { recursive: true, force: true });
const compiled = spawnSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (compiled.status !== 0) {
  console.error("error: src/ does not compile; the messages of tsc are above.");
  process.exit(1);
}
await cp(join(root, "src"), dist, { recursive: true, filter: (path) => !path.endsWith(".ts") });
