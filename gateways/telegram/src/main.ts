import { readFileSync } from "node:fs";

import { runGateway } from "@duragent/gateway-protocol";

import { startTelegram } from "./start.ts";

await runGateway(startTelegram, { name: "telegram", version: ownVersion() });

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isNamed = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isNamed ? String(manifest.version) : "unknown";
}
