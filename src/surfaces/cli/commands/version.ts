import { exitCodes } from "../exit.ts";
import type { Definition } from "../program.ts";
import { programVersion } from "../version.ts";

export const define: Definition = (command, { context, action }) => {
  command.addHelpText("after", "\nExample:\n  duragent version --json\n").action(
    action(async ({ json }) => {
      const version = programVersion();
      context.stdout.write(json ? `${JSON.stringify({ version, node: process.versions.node })}\n` : `${version}\n`);
      return exitCodes.done;
    }),
  );
};
