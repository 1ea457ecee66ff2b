/** How the program is called where it was called: npx brings it for one command, and leaves nothing on the PATH. */
export const ownName = (env: Readonly<Record<string, string | undefined>>): string =>
  env["npm_command"] === "exec" ? "npx duragent" : "duragent";
