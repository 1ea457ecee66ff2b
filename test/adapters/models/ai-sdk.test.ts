import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { DuragentError } from "../../../src/schema/problem.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { finishOf, never, outcomeOf, registryOf, request, textOf } from "./ask.ts";

/** A provider package as a user would install it: ES modules only. */
const provider = (version: string): string => `
  export function createMyModels(settings) {
    const model = (name) => ({
      specificationVersion: "${version}",
      provider: "mine", modelId: name, supportedUrls: {},
      async doStream() {
        const parts = [
          { type: "text-start", id: "1" },
          { type: "text-delta", id: "1", delta: name + " " + settings.apiKey + " " + settings.baseURL },
          { type: "text-end", id: "1" },
          { type: "finish", finishReason: { unified: "stop", raw: "stop" },
            usage: { inputTokens: { total: 1 }, outputTokens: { total: 2 } } },
        ];
        return { stream: ReadableStream.from(parts) };
      },
    });
    return { languageModel: model };
  }
`;

async function install(folder: string, name: string, source: string, manifest: object = {}): Promise<void> {
  const home = join(folder, "node_modules", name);
  await mkdir(join(home, "lib"), { recursive: true });
  const exports = { ".": { types: "./lib/x.d.ts", import: { default: "./lib/main.js" } } };
  await writeFile(join(home, "package.json"), JSON.stringify({ name, type: "module", exports, ...manifest }));
  await writeFile(join(home, "lib", "main.js"), source);
}

const modelOf = (packageFolder: string, name: string) =>
  registryOf({
    packageFolder,
    providers: { mine: { kind: "ai-sdk", package: name, api_key: "key", base_url: "http://127.0.0.1:1/v2/" } },
  }).model({ provider: "mine", name: "small" });

async function refused(made: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(made, (error) => {
    assert.ok(error instanceof DuragentError);
    assert.equal(error.code, "unprocessable");
    assert.match(error.message, message);
    return true;
  });
}

for (const version of ["v3", "v4"]) {
  test(`a provider package of specification ${version} next to the configuration is used`, async (context) => {
    const folder = await temporaryFolder(context);
    await install(folder, "@someone/my-models", provider(version));
    const model = await modelOf(folder, "@someone/my-models");
    const { parts, failure } = await outcomeOf(model.stream(request(), never));
    assert.equal(failure, undefined);
    assert.equal(textOf(parts), "small key http://127.0.0.1:1/v2");
    assert.deepEqual(finishOf(parts).usage, { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 });
  });
}

test("a package that is not installed is refused with the command that installs it", async (context) => {
  const folder = await temporaryFolder(context);
  await refused(
    modelOf(folder, "@ai-sdk/mistral"),
    /models\.providers\.mine\.package: @ai-sdk\/mistral is not installed: run `npm install @ai-sdk\/mistral` in /,
  );
});

test("a package that is no provider, too old, or broken is refused with the reason", async (context) => {
  const folder = await temporaryFolder(context);
  await install(folder, "no-provider", "export const x = 1;");
  await install(folder, "too-old", provider("v2"));
  await install(folder, "broken", "throw new Error('out of luck');");
  await install(folder, "no-entry", "", { exports: { ".": { browser: "./lib/main.js" } }, main: "lib/none.js" });
  await refused(modelOf(folder, "no-provider"), /exports no function create/);
  await refused(modelOf(folder, "too-old"), /specification v3 or v4/);
  await refused(modelOf(folder, "broken"), /can not be imported: out of luck/);
  await refused(modelOf(folder, "no-entry"), /can not be imported/);
});

test("what is not the name of a package is never looked for", async (context) => {
  const folder = await temporaryFolder(context);
  for (const name of ["../evil", "/etc/passwd", "file:///x", "a/b", "data:text/javascript,1"]) {
    await refused(modelOf(folder, name), /is not the name of a package/);
  }
});
