import type { Route } from "../route.ts";
import { admin } from "./admin.ts";
import { agents } from "./agents.ts";
import { artifacts } from "./artifacts.ts";
import { deployedAgents } from "./deployed-agents.ts";
import { documentation } from "./documentation.ts";
import { exports } from "./export.ts";
import { gateways } from "./gateways.ts";
import { memory } from "./memory.ts";
import { messages } from "./messages.ts";
import { probes } from "./probes.ts";
import { sessionControl } from "./session-control.ts";
import { sessions } from "./sessions.ts";
import { streams } from "./streams.ts";

/** Every route there is. */
export const routes: readonly Route[] = [
  ...probes,
  ...documentation,
  ...agents,
  ...artifacts,
  ...memory,
  ...sessions,
  ...sessionControl,
  ...messages,
  ...streams,
  ...exports,
  ...admin,
  ...gateways,
  ...deployedAgents,
];
