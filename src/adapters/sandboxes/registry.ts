import type { Sandbox } from "../../ports/sandbox.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { SandboxOptions } from "./options.ts";

const insteadOfSandbox =
  "commands of agents run without a sandbox, as the server's own user: they can read and change all that it can, " +
  "its keys, its data and its API included; only policy and approvals hold them back";

/**
 * What holds commands back, tried by really starting a program in it. Bounded: 5 s a try, where milliseconds are usual.
 * Throws DuragentError `unprocessable`, with what to do, where bubblewrap is asked for by name and does not work.
 */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { openNoSandbox } = await import("./none.ts");
  if (options.mode === "none") return openNoSandbox(options.env, [`sandbox.mode is none: ${insteadOfSandbox}`]);
  const { openBubblewrap } = await import("./bubblewrap.ts");
  const opened = await openBubblewrap(options);
  if (!("fault" in opened)) return opened;
  const { fault, remedy } = opened;
  if (options.mode === "auto") return openNoSandbox(options.env, [`${fault}: ${insteadOfSandbox}. Remedy: ${remedy}`]);
  throw new DuragentError(
    "unprocessable",
    `sandbox.mode is bubblewrap, and ${fault}; ${remedy}, or set sandbox.mode: auto`,
  );
}
