import { packageVersion, runGateway } from "@duragent/gateway-protocol";

import { startTelegram } from "./start.ts";

// package.json is as far from src/ as from a compiled dist/.
await runGateway(startTelegram, {
  name: "telegram",
  version: packageVersion(new URL("../package.json", import.meta.url)),
});
