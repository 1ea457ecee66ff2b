import { createHash } from "node:crypto";

import type { AgentFiles } from "../../ports/agent-store.ts";
import { agentSchemaFor, type AgentDefinition } from "../../schema/agent.ts";
import { modelScriptSchema } from "../../schema/model-script.ts";
import { offsetOf, parseYaml, pathText, plain } from "../../schema/parse-yaml.ts";
import { readYaml, type YamlDocument, type YamlError, type YamlPath } from "../../schema/yaml-document.ts";
import { agentWarnings } from "./agent-warnings.ts";
import type { LoadedAgent } from "./catalog-types.ts";
import { insidePath, isRefused, promptSource } from "./prompt-file.ts";
import { skillsOf } from "./skills.ts";

/** Everything that an agent is made of. What all agents share stands among the files, under `.shared/`. */
export type AgentMaterial = {
  readonly files: AgentFiles;
  /** Empty: an agent without a folder, whose prompts are text unless they name a file. */
  readonly home: string;
  readonly refused?: readonly string[];
  readonly notes?: readonly string[];
  readonly providers?: readonly string[] | undefined;
  /**
   * Given for an agent that came over the API: of which providers the server would send its own key. Such an agent may
   * not say where that key is sent to.
   */
  readonly sendsKey?: ((provider: string) => boolean) | undefined;
};

export type AgentLoad =
  | { readonly ok: true; readonly agent: LoadedAgent }
  | { readonly ok: false; readonly errors: readonly YamlError[] };

const definitionFile = "agent.yaml";
const prompts = [
  { key: "soul", file: "SOUL.md" },
  { key: "system_prompt", file: "SYSTEM_PROMPT.md" },
  { key: "instructions", file: "INSTRUCTIONS.md" },
] as const;

/** Parses one agent, whole or not at all. Nothing of it is run, and no variable of the environment is looked at. */
export function loadAgent(material: AgentMaterial): AgentLoad {
  const bytes = material.files.get(definitionFile);
  if (bytes === undefined) return { ok: false, errors: [{ file: definitionFile, message: "is missing" }] };
  const read = readYaml(bytes, { file: definitionFile });
  if (!read.ok) return { ok: false, errors: read.errors };
  const parsed = parseYaml(read.document, agentSchemaFor(plain(read.document.root)));
  if (!parsed.ok) return { ok: false, errors: parsed.errors };
  return new AgentReading(material, read.document, parsed.value).finish(bytes);
}

/** SHA-256 over paths and contents, in the order of the paths. */
export function packageDigest(files: AgentFiles): string {
  const hash = createHash("sha256");
  for (const [path, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    // Lengths first, so that no two packages give the same bytes.
    hash.update(`${Buffer.byteLength(path)}:${path}${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

class AgentReading {
  readonly #material: AgentMaterial;
  readonly #document: YamlDocument;
  readonly #definition: AgentDefinition;
  readonly #errors: YamlError[] = [];
  readonly #warnings: string[] = [];
  // In the long form the prompts stand under `spec`.
  readonly #prefix: YamlPath;

  constructor(material: AgentMaterial, document: YamlDocument, definition: AgentDefinition) {
    this.#material = material;
    this.#document = document;
    this.#definition = definition;
    this.#prefix = document.root.members?.has("spec") === true ? ["spec"] : [];
  }

  finish(source: Uint8Array): AgentLoad {
    const { files, home, refused = [], notes = [], providers } = this.#material;
    const [soul, systemPrompt, instructions] = prompts.map(({ key, file }) => this.#prompt(key, file));
    const directives = [...this.#directives(".shared/directives/"), ...this.#directives("directives/")];
    this.#checkNamedFiles();
    this.#checkAddresses();
    if (this.#errors.length > 0) return { ok: false, errors: this.#errors };
    const skillsFolder = insidePath(this.#definition.spec.skills_dir ?? "skills") ?? "skills";
    const { skills, warnings } = skillsOf({ files, home, skillsFolder, refused });
    const ownSkills = skills.filter(({ path }) => home !== "" && path.startsWith(`${home}/`)).length;
    return {
      ok: true,
      agent: {
        name: this.#definition.metadata.name,
        digest: packageDigest(files),
        definition: this.#definition,
        soul,
        systemPrompt,
        instructions,
        directives,
        skills,
        files,
        home,
        source: new TextDecoder().decode(source),
        warnings: [
          ...agentWarnings(this.#definition, { ownSkills, providers }),
          ...this.#warnings,
          ...warnings,
          ...notes,
        ],
      },
    };
  }

  #prompt(key: (typeof prompts)[number]["key"], defaultFile: string): string | undefined {
    const { files, refused = [], home } = this.#material;
    const written = this.#definition.spec[key];
    if (written === undefined) {
      if (isRefused(defaultFile, refused)) {
        this.#errors.push({ file: defaultFile, message: "leads out of the agent's folder, or is no file" });
      }
      return files.has(defaultFile) ? this.#text(defaultFile) : undefined;
    }
    const source = promptSource(written, { has: (path) => this.#has(path) === "file", refused, single: home === "" });
    switch (source.kind) {
      case "file":
        return this.#text(source.path);
      case "text":
        if (source.looksLikePath) {
          this.#warnings.push(`${key}: ${written} looks like a path, but this agent has no folder: taken as text`);
        }
        return source.text;
      case "wrong":
        this.#wrong([key], source.message);
        return undefined;
    }
  }

  #directives(folder: string): string[] {
    for (const path of this.#material.refused ?? []) {
      if (path.startsWith(folder) && path.endsWith(".md")) {
        this.#errors.push({ file: path, message: "leads out of the agent's folder, or is no file" });
      }
    }
    return [...this.#material.files.keys()]
      .filter((path) => path.startsWith(folder) && path.endsWith(".md") && !path.slice(folder.length).includes("/"))
      .toSorted()
      .map((path) => this.#text(path)?.trim() ?? "")
      .filter((directive) => directive !== "");
  }

  /** Whatever else agent.yaml names must be there. */
  #checkNamedFiles(): void {
    const { spec } = this.#definition;
    for (const [index, tool] of spec.tools.entries()) {
      if (tool.type === "cli" && tool.readme !== undefined) this.#mustHave(tool.readme, ["tools", index, "readme"]);
    }
    // The folder itself may be missing: then there are no skills.
    if (spec.skills_dir !== undefined) this.#mustStayInside(spec.skills_dir, ["skills_dir"]);
    const models = [{ model: spec.model, path: ["model", "name"] as YamlPath }];
    for (const [index, model] of spec.model.fallbacks.entries()) {
      models.push({ model: { ...model, fallbacks: [] }, path: ["model", "fallbacks", index, "name"] });
    }
    for (const { model, path } of models) {
      if (model.provider !== "scripted" || !this.#mustHave(model.name, path)) continue;
      const script = insidePath(model.name) ?? "";
      const read = readYaml(this.#material.files.get(script) ?? new Uint8Array(), { file: script });
      const parsed = read.ok ? parseYaml(read.document, modelScriptSchema) : read;
      if (!parsed.ok) this.#errors.push(...parsed.errors);
    }
  }

  #checkAddresses(): void {
    const { model } = this.#definition.spec;
    const models = [
      { ...model, path: ["model"] as YamlPath },
      ...model.fallbacks.map((other, index) => ({ ...other, path: ["model", "fallbacks", index] })),
    ];
    for (const { provider, base_url, path } of models) {
      if (base_url === undefined || this.#material.sendsKey?.(provider) !== true) continue;
      this.#wrong(
        [...path, "base_url"],
        `may not be set by an agent that comes over the API: the server would send its key of ${provider} there; set models.providers.NAME.base_url in duragent.yaml and choose that NAME as the provider`,
      );
    }
  }

  #mustHave(written: string, path: YamlPath): boolean {
    const inside = this.#mustStayInside(written, path);
    if (inside !== null && this.#has(inside) !== "file") {
      this.#wrong(path, `there is no file ${inside} in the agent's folder`);
      return false;
    }
    return inside !== null;
  }

  #mustStayInside(written: string, path: YamlPath): string | null {
    const inside = insidePath(written);
    if (inside === null) this.#wrong(path, "a path may not leave the agent's folder");
    else if (isRefused(inside, this.#material.refused ?? [])) {
      this.#wrong(path, `${inside} leads out of the agent's folder, or is no file`);
      return null;
    }
    return inside;
  }

  #has(path: string): "file" | "folder" | null {
    const { files } = this.#material;
    if (path.startsWith(".shared/")) return null;
    if (files.has(path)) return "file";
    return [...files.keys()].some((file) => file.startsWith(`${path}/`)) ? "folder" : null;
  }

  #text(path: string): string | undefined {
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(this.#material.files.get(path));
      return text.trim() === "" ? undefined : text;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#errors.push({ file: path, message: "is not valid UTF-8" });
      return undefined;
    }
  }

  #wrong(path: YamlPath, message: string): void {
    const whole = [...this.#prefix, ...path];
    this.#errors.push(this.#document.at(offsetOf(this.#document.root, whole, false), message, pathText(whole)));
  }
}
