#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read: its first task is to say that Node is too old.
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 24 || (major === 24 && minor >= 15)) {
  // Compiling is more than half of a start. Where Duragent has its own: nobody else can have made that folder.
  nodeModule.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "duragent"));
  // A clone has the source, which runs as it is; a published package has only what was compiled from it.
  const source = new URL("../src/main.ts", import.meta.url);
  const main = existsSync(source) ? source : new URL("../dist/main.js", import.meta.url);
  await import(main.href);
} else {
  const message = `duragent-gateway-discord needs Node 24.15 or newer; this is Node ${process.versions.node} (${process.execPath})`;
  console.error(`error: ${message}.`);
  console.error("hint: install Node 24 from https://nodejs.org/en/download.");
  // The core listens on stdout: so it can say why there is no gateway.
  if (!process.stdout.isTTY)
    console.log(JSON.stringify({ type: "error", code: "platform_error", message, fatal: true }));
  process.exitCode = 1;
}
