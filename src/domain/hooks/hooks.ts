import type { AgentDefinition } from "../../schema/agent.ts";

export type Hooks = NonNullable<AgentDefinition["spec"]["hooks"]>;

/** Those that hold for every agent, unless it has one of its own with the same `match`. */
const defaultHooks: Hooks = {
  before_tool: [
    {
      match: "background_process:send_keys",
      type: "depends_on",
      prior: "background_process:capture",
      match_arg: "handle",
    },
    { match: "memory:recall", type: "skip_duplicate", match_args: ["days"] },
  ],
  after_tool: [
    {
      match: "background_process:capture",
      message:
        "This is how the screen looked when it was captured: capture again before you act on what may have changed.",
    },
    {
      match: "background_process:spawn",
      message:
        "The process runs in the background and you are told when it ends: do not wait for it by asking again and again.",
      unless: { wait: true },
    },
  ],
};

/** An agent's hooks together with the defaults that it does not replace. */
export function hooksInForce(own: Hooks | undefined): Hooks {
  const { before_tool: before, after_tool: after } = own ?? { before_tool: [], after_tool: [] };
  return {
    before_tool: [...before, ...notIn(before, defaultHooks.before_tool)],
    after_tool: [...after, ...notIn(after, defaultHooks.after_tool)],
  };
}

const notIn = <Hook extends { match: string }>(own: readonly Hook[], defaults: readonly Hook[]): Hook[] =>
  defaults.filter(({ match }) => !own.some((hook) => hook.match === match));
