/** A description is sent with every request. */
const readmeCharactersMax = 8000;

/** What the model is told about a program: its description and its README, whatever there is of them. */
export function describedBy(name: string, description: string | undefined, readme: Uint8Array | undefined): string {
  const text = readme === undefined ? "" : new TextDecoder().decode(readme).trim().slice(0, readmeCharactersMax);
  return [description ?? (text === "" ? `CLI tool: ${name}` : ""), text].filter(Boolean).join("\n\n");
}
