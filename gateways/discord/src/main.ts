import { readFileSync } from "node:fs";

import { runGateway } from "@duragent/gateway-protocol";

import { startDiscord } from "./start.ts";

await runGateway(startDiscord, { name: "discord", version: ownVersion() });

/** package.json is as far from src/ as from a compiled dist/. */
function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : "";
  return typeof version === "string" ? version : "";
}
