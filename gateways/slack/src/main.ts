import { packageVersion, runGateway } from "@duragent/gateway-protocol";

import { startSlack } from "./start.ts";

// package.json is as far from src/ as from a compiled dist/.
await runGateway(startSlack, { name: "slack", version: packageVersion(new URL("../package.json", import.meta.url)) });
