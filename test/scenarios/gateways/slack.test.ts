import { openSlack } from "../../support/platforms/slack/open.ts";
import { platformScenarios } from "./platform-scenarios.ts";

platformScenarios("Slack", openSlack);
