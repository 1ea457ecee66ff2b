import type { TestContext } from "node:test";

import { openSandbox } from "../../../src/adapters/sandboxes/registry.ts";
import type { Sandbox } from "../../../src/ports/sandbox.ts";

/** The real one; `null`, and said loudly, where there is none. */
export async function bubblewrap(t: Pick<TestContext, "diagnostic">): Promise<Sandbox | null> {
  try {
    const hidden = { folders: [], files: [], holders: [] };
    return await openSandbox({ mode: "bubblewrap", network: false, env: process.env, hidden });
  } catch (error) {
    const why = `did not run inside a sandbox: ${String(error)}`;
    t.diagnostic(why);
    console.warn(why);
    return null;
  }
}
