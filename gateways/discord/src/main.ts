import { packageVersion, runGateway } from "@duragent/gateway-protocol";

import { startDiscord } from "./start.ts";

// package.json is as far from src/ as from a compiled dist/.
await runGateway(startDiscord, {
  name: "discord",
  version: packageVersion(new URL("../package.json", import.meta.url)),
});
