// What the package offers.
export * from "./messages.ts";
export * from "./gateway.ts";
export * from "./framing.ts";
export * from "./runner.ts";
export * from "./split-markdown.ts";
export * from "./fence-words.ts";
export * from "./cut-text.ts";
export * from "./until-reached.ts";
export * from "./error-text.ts";
export * from "./package-version.ts";
