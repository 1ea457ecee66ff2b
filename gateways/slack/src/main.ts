import { runGateway } from "@duragent/gateway-protocol";

import { startSlack } from "./start.ts";
import { version } from "./version.ts";

await runGateway(startSlack, { name: "slack", version: version() });
