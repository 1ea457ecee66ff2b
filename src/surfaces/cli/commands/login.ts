import { terminalJson } from "../../../domain/terminal-text.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { readSecret } from "../input/read-secret.ts";
import type { Definition } from "../program.ts";
import { isStarterProvider, starterProviders } from "../workspace/starter-agent.ts";

export const define: Definition = (command, { context, action }) => {
  command
    .argument("<provider>", "anthropic, openai, google, openrouter, or a name under models.providers")
    .addHelpText("after", "\nExamples:\n  duragent login anthropic\n  duragent login openai < key.txt\n")
    .action(
      action(async ({ json }, _flags, provider = "") => {
        if (!/^[a-z0-9][a-z0-9._-]{0,62}$/u.test(provider)) {
          throw new CommandFailure(exitCodes.usage, `"${provider}" is no provider's name`);
        }
        if (provider === "ollama" || provider === "scripted" || provider === "bedrock") {
          const hint =
            provider === "bedrock"
              ? "it takes its credentials from the AWS chain (AWS_PROFILE, AWS_ACCESS_KEY_ID …)"
              : "just use it";
          throw new CommandFailure(exitCodes.usage, `${provider} needs no key here`, { hint });
        }
        const label = isStarterProvider(provider) ? starterProviders[provider].label : provider;
        const key = (await readSecret(context, `Key for ${label}: `)).trim();
        if (key === "")
          throw new CommandFailure(exitCodes.usage, "no key was given", {
            hint: `echo "$KEY" | duragent login ${provider}`,
          });
        if (/\s/u.test(key))
          throw new CommandFailure(exitCodes.usage, "a key has no blanks or line breaks in it", {
            hint: "give the key alone",
          });
        const path = await (await context.ground()).storeKey(provider, key);
        context.stdout.write(
          json ? `${terminalJson({ provider, path })}\n` : `Stored the key for ${label} in ${path}.\n`,
        );
        return exitCodes.done;
      }),
    );
};
