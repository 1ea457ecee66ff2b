import { yamlErrorLine, type YamlError } from "../../schema/yaml-document.ts";

/** The configuration can not be used: every place that is wrong. The program ends with exit code 78 (EX_CONFIG). */
export class ConfigError extends Error {
  readonly exitCode = 78;
  readonly errors: readonly YamlError[];

  constructor(errors: readonly YamlError[], cause?: unknown) {
    super(errors.map(yamlErrorLine).join("\n"), { cause });
    this.name = "ConfigError";
    this.errors = errors;
  }
}
