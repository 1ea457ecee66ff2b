// What the package offers.
export * from "./messages.ts";
export * from "./gateway.ts";
