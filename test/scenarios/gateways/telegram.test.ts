import { openTelegram } from "../../support/platforms/telegram/open.ts";
import { platformScenarios } from "./platform-scenarios.ts";

platformScenarios("Telegram", openTelegram);
