import { openDiscord } from "../../support/platforms/discord/open.ts";
import { platformScenarios } from "./platform-scenarios.ts";

platformScenarios("Discord", openDiscord);
