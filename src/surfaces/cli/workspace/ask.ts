import type { Detected } from "./detect-provider.ts";
import { agentNamePattern, isStarterProvider, starterProviders } from "./starter-agent.ts";

export type WorkspaceChoice = {
  demo: boolean;
  name: string;
  provider: string;
  model: string | undefined;
  /** To be stored; `undefined`: none was given, or the environment has it. */
  key: string | undefined;
};

/** Asks for provider, model, key and name, with `suggested` as the answers of Enter; `null` when the person broke off. */
export async function askForWorkspace(
  suggested: WorkspaceChoice,
  detected: readonly Detected[],
): Promise<WorkspaceChoice | null> {
  const prompts = await import("@clack/prompts");
  prompts.intro("A new Duragent workspace");
  const provider = await prompts.select({
    message: "Which model shall the agent use?",
    initialValue: detected.length > 0 ? suggested.provider : "demo",
    options: [
      ...Object.entries(starterProviders).map(([value, { label }]) => {
        const because = detected.find((found) => found.provider === value)?.because;
        return because === undefined ? { value, label } : { value, label, hint: because };
      }),
      { value: "demo", label: "None: a script", hint: "needs no key" },
    ],
  });
  if (prompts.isCancel(provider)) return null;
  if (provider === "demo") return { ...suggested, demo: true };
  const known = isStarterProvider(provider) ? starterProviders[provider] : undefined;
  const model = await prompts.text({
    message: "Its name there?",
    initialValue: detected.find((found) => found.provider === provider)?.model ?? known?.model ?? suggested.model ?? "",
    validate: (text) => ((text ?? "").trim() === "" ? "a model needs a name" : undefined),
  });
  if (prompts.isCancel(model)) return null;
  let key: string | undefined;
  if (known?.keyVariable !== undefined && !detected.some((found) => found.provider === provider)) {
    const given = await prompts.password({
      message: `The key for ${known.label}? (Enter: later, with \`duragent login ${provider}\`)`,
    });
    if (prompts.isCancel(given)) return null;
    if ((given ?? "").trim() !== "") key = given.trim();
  }
  const name = await prompts.text({
    message: "What is the agent called?",
    initialValue: suggested.name,
    validate: (text) =>
      agentNamePattern.test(text ?? "") ? undefined : "small letters, digits, - and _, starting with a letter or digit",
  });
  if (prompts.isCancel(name)) return null;
  return { demo: false, name, provider, model: model.trim(), key };
}
