import type { Mutant } from "../mutant.ts";

const escapes = "test/adapters/tools/files/escapes.test.ts";
const store = "test/adapters/stores/artifacts/files.test.ts";
const api = "test/surfaces/http/artifacts.test.ts";

/** Faults put into what agents do with files, artifacts and skills; each must turn its test red. */
export const fileMutants: readonly Mutant[] = [
  {
    name: "a write follows a symlink out of the workspace",
    file: "src/adapters/tools/files/resolve-path.ts",
    find: "roots.find((one) => isWithin(one, target))",
    replace: "roots.find((one) => isWithin(one, target)) ?? (isWithin(home, path) ? dirname(target) : undefined)",
    test: escapes,
  },
  {
    name: "a folder that became a link is entered",
    file: "src/adapters/tools/files/open-inside.ts",
    find: "constants.O_DIRECTORY | constants.O_NOFOLLOW;",
    replace: "constants.O_DIRECTORY;",
    test: escapes,
  },
  {
    name: "a folder is reached by its path while it is open",
    file: "src/adapters/tools/files/open-inside.ts",
    find: "existsSync(descriptors) ? `${descriptors}/${handle.fd}` : shown",
    replace: "shown",
    test: escapes,
  },
  {
    name: "a file is written in place",
    file: "src/adapters/tools/files/open-inside.ts",
    find: "await rename(temporary, this.entry(name));",
    replace: 'await (await import("node:fs/promises")).copyFile(temporary, this.entry(name));',
    test: escapes,
  },
  {
    name: "a pattern runs for as long as it likes",
    file: "src/adapters/tools/files/pattern-worker.ts",
    find: "AbortSignal.any([signal, this.#failed.signal, AbortSignal.timeout(timeoutMs)])",
    replace: "AbortSignal.any([signal, this.#failed.signal, AbortSignal.timeout(timeoutMs * 1_000_000)])",
    test: escapes,
  },
  {
    name: "an edit that was made is made again",
    file: "src/adapters/tools/files/edit-file.ts",
    find: "  if (isRepeat && fresh.includes(old)",
    replace: "  if (!isRepeat && fresh.includes(old)",
    test: "test/adapters/tools/files/file-tools.test.ts",
  },
  {
    name: "an artifact is named before it is synced",
    file: "src/adapters/stores/artifacts/files.ts",
    find: "      await onDisk(doing, () => file.sync());",
    replace: "",
    test: store,
  },
  {
    name: "the facts of an artifact are named before its content",
    file: "src/adapters/stores/artifacts/files.ts",
    find: "    await this.#fs.rename(unfinished, path);\n    await this.#fs.rename(metaFileOf(unfinished), metaFileOf(path));",
    replace:
      "    await this.#fs.rename(metaFileOf(unfinished), metaFileOf(path));\n    await this.#fs.rename(unfinished, path);",
    test: store,
  },
  {
    name: "what was stored is given out unchecked",
    file: "src/adapters/stores/artifacts/stored-file.ts",
    find: 'hash.digest("hex") !== sha256) throw',
    replace: 'hash.digest("hex") === "") throw',
    test: store,
  },
  {
    name: "secrets are looked for as text, not as bytes",
    file: "src/domain/redact.ts",
    find: "redactingStream(needles.map(asBytes))",
    replace: "redactingStream(needles)",
    test: store,
  },
  {
    name: "an artifact may lead out of its folder",
    file: "src/domain/artifact.ts",
    find: "name.replaceAll(/[%/\\\\]/g, percent)",
    replace: "name.replaceAll(/[%\\\\]/g, percent)",
    test: store,
  },
  {
    name: "a session leaves its artifacts",
    file: "src/runtime/session-lifecycle.ts",
    find: "      await parts.artifacts.deleteOfSession(session.log.durable.agent, id);",
    replace: "",
    test: api,
  },
  {
    name: "an upload is cut off after a minute",
    file: "src/surfaces/http/request/body-time.ts",
    find: "if (!isPerPiece || bytesRead === seenBytes) return onLate();",
    replace: "return onLate();",
    test: "test/surfaces/http/body-time.test.ts",
    only: "once nothing does for a minute",
  },
  {
    name: "a browser may show what was stored",
    file: "src/surfaces/http/routes/artifacts.ts",
    find: "    ...attachmentHeaders(ref.name),",
    replace: "",
    test: api,
  },
  {
    name: "a download that is left goes on",
    file: "src/surfaces/http/body-from.ts",
    find: "        await iterator.return?.();",
    replace: "        next = undefined;",
    test: api,
  },
  {
    name: "a shared skill may be a link to elsewhere",
    file: "src/adapters/stores/agents/shared-skills.ts",
    find: '  if (!path.startsWith(home + sep)) return "";',
    replace: "",
    test: "test/runtime/agents/skills.test.ts",
  },
  {
    name: "a description may begin a line in the prompt",
    file: "src/domain/prompt/skills-block.ts",
    find: 'text.replaceAll(/[\\p{Cc}\\p{Zl}\\p{Zp}\\s]+/gu, " ").trim()',
    replace: "text.trim()",
    test: "test/domain/prompt/skills-block.test.ts",
  },
];
