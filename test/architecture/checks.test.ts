import assert from "node:assert/strict";
import { test } from "node:test";

import { cycleFindings } from "./checks/cycles.ts";
import { barrelFindings, linesMax, sizeFindings } from "./checks/files.ts";
import { bundledGatewayFindings, gatewayImportFindings } from "./checks/gateways.ts";
import { impurityFindings, layerFindings } from "./checks/layers.ts";
import { coverageFindings, registryFindings } from "./checks/registries.ts";
import { foreignPathFindings, metricFindings, nameFindings, unfinishedFindings } from "./checks/words.ts";
import { importsOf, treeOf, type Finding, type SourceTree } from "./source-tree.ts";

// Every check is seen red here, on a small tree that breaks it, and green on one that does not.

function assertTells(
  check: (tree: SourceTree) => Finding[],
  bad: Record<string, string>,
  good: Record<string, string>,
): void {
  for (const [path, source] of Object.entries(bad)) {
    const others = Object.fromEntries(Object.entries(good).filter(([other]) => other !== path));
    const found = check(treeOf({ ...others, [path]: source }));
    assert.notDeepEqual(found, [], `not found: ${path} ${source}`);
  }
  assert.deepEqual(check(treeOf(good)), []);
}

test("an import against the layers is found", () => {
  assertTells(
    layerFindings,
    {
      "src/domain/a.ts": `import { z } from "zod";`,
      "src/domain/b.ts": `import { x } from "../schema/x.ts";`,
      "src/domain/c.ts": `import { type X } from "../schema/x.ts";`,
      "src/domain/d.ts": `import { readFile } from "node:fs/promises";`,
      "src/domain/e.ts": `import type { X } from "../runtime/x.ts";`,
      "src/runtime/a.ts": `import { readFile } from "node:fs/promises";`,
      "src/runtime/b.ts": `import { pg } from "pg";`,
      "src/runtime/c.ts": `import { x } from "../adapters/models/x.ts";`,
      "src/runtime/d.ts": `const x = await import("../adapters/models/x.ts");`,
      "src/runtime/e.ts": `import type { X } from "../surfaces/http/x.ts";`,
      "src/adapters/models/a.ts": `import { x } from "../../surfaces/http/x.ts";`,
      "src/adapters/models/b.ts": `import { x } from "../stores/x.ts";`,
      "src/adapters/models/c.ts": `import { x } from "../../runtime/x.ts";`,
      "src/adapters/a.ts": `import { x } from "./models/x.ts";`,
      "src/surfaces/http/a.ts": `import { x } from "../../adapters/stores/x.ts";`,
      "src/surfaces/http/b.ts": `import { x } from "../cli/x.ts";`,
      "src/surfaces/http/c.ts": `import { x } from "../../app/x.ts";`,
      "src/client/a.ts": `import { x } from "../runtime/x.ts";`,
      "src/ports/a.ts": `import { x } from "../runtime/x.ts";`,
      "src/schema/a.ts": `export { x } from "../domain/x.ts";`,
      "src/schema/b.ts": `import { x } from "../../test/x.ts";`,
      "src/other/a.ts": `import "node:fs";`,
    },
    {
      "src/domain/a.ts": `import type { X } from "../schema/x.ts";\nimport { y } from "./y.ts";`,
      "src/runtime/a.ts": `import { x } from "../domain/x.ts";\nimport type { Y } from "../ports/y.ts";`,
      "src/adapters/models/a.ts": `import { x } from "./x.ts";\nimport { y } from "../y.ts";\nimport { z } from "some-package";`,
      "src/surfaces/http/a.ts": `import type { X } from "../../runtime/x.ts";`,
      "src/app/a.ts": `import { x } from "../adapters/models/x.ts";\nimport { y } from "../surfaces/http/y.ts";`,
      "src/main.ts": `import { x } from "./app/x.ts";`,
    },
  );
});

test("what a gateway loads from outside of its package is found", () => {
  assertTells(
    gatewayImportFindings,
    {
      "gateways/chat/src/a.ts": `import { x } from "../../../src/domain/x.ts";`,
      "gateways/chat/src/b.ts": `import type { X } from "../../protocol/src/x.ts";`,
      "gateways/chat/src/c.ts": `import { z } from "zod";`,
      "gateways/chat/src/d.ts": `const x = await import("@platform/other");`,
    },
    {
      "gateways/chat/package.json": `{ "name": "chat", "dependencies": { "@platform/client": "1.0.0", "marked": "1.0.0" } }`,
      "gateways/chat/src/a.ts": `import { x } from "./x.ts";\nimport { y } from "@platform/client/deep";\nimport "marked";`,
      "gateways/chat/src/b.ts": `import { join } from "node:path";`,
    },
  );
});

test("a gateway that the table does not have, or that only the table has, is found", () => {
  const chat = { "gateways/chat/package.json": `{ "name": "@x/chat", "bin": { "x-chat": "bin/x-chat.mjs" } }` };
  const whole = treeOf({ ...chat, "gateways/chat/bin/x-chat.mjs": "" });
  assert.deepEqual(bundledGatewayFindings(whole, { "x-chat": { package: "@x/chat" } }), []);
  assert.equal(bundledGatewayFindings(treeOf(chat), { "x-chat": { package: "@x/chat" } }).length, 1);
  assert.equal(bundledGatewayFindings(whole, { "x-chat": { package: "@x/other" } }).length, 1);
  assert.equal(bundledGatewayFindings(whole, {}).length, 1);
  const both = { "x-chat": { package: "@x/chat" }, "x-mail": { package: "@x/mail" } };
  assert.equal(bundledGatewayFindings(whole, both).length, 1);
});

test("time, chance and the world past the ports are found in domain and runtime", () => {
  assertTells(
    impurityFindings,
    {
      "src/domain/a.ts": `const now = Date.now();`,
      "src/domain/b.ts": `const now = new Date();`,
      "src/domain/c.ts": `const now = performance.now();`,
      "src/runtime/a.ts": `const x = Math.random();`,
      "src/runtime/b.ts": `const id = crypto.randomUUID();`,
      "src/runtime/c.ts": `setTimeout(() => {}, 1);`,
      "src/runtime/d.ts": `const signal = AbortSignal.timeout(1);`,
      "src/runtime/e.ts": `const x = process.env.X;`,
      "src/runtime/f.ts": `console.log(1);`,
      "src/runtime/g.ts": `await fetch("http://x");`,
    },
    {
      "src/domain/a.ts": `// Not Date.now: a clock that is asked twice gives two answers.\nconst date = new Date(timestamp);`,
      "src/runtime/a.ts": `/**\n * As setTimeout would.\n */\nclock.after(1, stop);`,
      "src/adapters/clock/system.ts": `const now = Date.now();`,
    },
  );
});

test("files that load each other are found, types do not count", () => {
  assertTells(
    cycleFindings,
    {
      "src/a.ts": `import { a } from "./a.ts";`,
      "src/b.ts": `import { c } from "./c.ts";`,
      "src/e.ts": `const c = () => import("./c.ts");`,
    },
    {
      "src/b.ts": `import type { C } from "./c.ts";`,
      "src/c.ts": `import { b } from "./b.ts";\nimport { d } from "./d.ts";`,
      "src/d.ts": `import { e } from "./e.ts";`,
      "src/e.ts": `export const e = 1;`,
    },
  );
});

test("a file with a line too many is found", () => {
  assertTells(
    sizeFindings,
    { "src/a.ts": "x\n".repeat(linesMax + 1), "test/a.test.ts": "x\n".repeat(501) },
    { "src/a.ts": "x\n".repeat(linesMax), "README.md": "x\n".repeat(linesMax + 1) },
  );
});

test("a barrel is found, by its name and by what it does", () => {
  assertTells(
    barrelFindings,
    {
      "src/index.ts": `export const x = 1;`,
      "src/a.ts": `export * from "./b.ts";`,
      "src/b.ts": `export { x } from "./c.ts";\nexport type { Y } from "./d.ts";`,
    },
    {
      "src/b.ts": `export { x } from "./c.ts";\nexport function y(): void {}`,
      "gateways/protocol/src/protocol.ts": `export * from "./messages.ts";`,
    },
  );
});

test("a member that its registry does not list is found", () => {
  const good = {
    "src/adapters/models/registry.ts": `import { a } from "./a.ts";\nconst b = () => import("./b.ts");`,
    "src/adapters/models/a.ts": `import { shared } from "./shared.ts";`,
    "src/adapters/models/b.ts": `export const b = 1;`,
    "src/adapters/models/shared.ts": `export const shared = 1;`,
    "src/adapters/models/parts.ts": `export type Parts = { a: 1 };`,
    "src/adapters/stores/registry.ts": `const files = () => import("./sessions/files.ts");`,
    "src/adapters/stores/sessions/files.ts": `export const files = 1;`,
    "src/adapters/stores/lock.ts": `export const lock = 1;`,
    "src/adapters/clock/system.ts": `export const clock = 1;`,
  };
  assertTells(
    registryFindings,
    {
      "src/adapters/models/c.ts": `export const c = 1;`,
      "src/adapters/models/registry.ts": `import { a } from "./a.ts";`,
      "src/adapters/models/a.ts": `import type { Shared } from "./shared.ts";`,
      "src/adapters/stores/sessions/s3.ts": `export const s3 = 1;`,
      "src/surfaces/cli/commands/serve.ts": `export const serve = 1;`,
    },
    good,
  );
});

test("an adapter that its port's suite never sees is found", () => {
  const good = {
    "src/adapters/models/registry.ts": `const a = () => import("./anthropic.ts");`,
    "src/adapters/stores/registry.ts": `import { files } from "./sessions/files.ts";`,
    "test/adapters/models/dialects.test.ts": `for (const provider of ["anthropic"]) test(provider);`,
    "test/suites/session-store.ts": `export function sessionStoreSuite(): void {}`,
    "test/adapters/stores/files.test.ts": [
      `import { files } from "../../../src/adapters/stores/sessions/files.ts";`,
      `import { sessionStoreSuite } from "../../suites/session-store.ts";`,
    ].join("\n"),
  };
  assertTells(
    coverageFindings,
    {
      "test/adapters/models/dialects.test.ts": `for (const provider of ["openai"]) test(provider);`,
      "test/adapters/stores/files.test.ts": `import { files } from "../../../src/adapters/stores/sessions/files.ts";`,
      "src/adapters/stores/registry.ts": `import { postgres } from "./sessions/postgres.ts";`,
      "src/adapters/bus/registry.ts": `import { redis } from "./redis.ts";`,
    },
    good,
  );
});

test("a name that says nothing is found", () => {
  assertTells(
    nameFindings,
    {
      "src/utils/a.ts": "",
      "src/session-manager.ts": "",
      "src/common.ts": "",
      "src/a.ts": `export class SessionManager {}`,
      "src/b.ts": `export function sessionInfo(): void {}`,
      "src/c.ts": `export type Data = string;`,
    },
    { "src/data-directory.ts": `export function dataDirectory(): void {}\nexport const information = 1;` },
  );
});

test("work that was left for later is found", () => {
  assertTells(
    unfinishedFindings,
    { "src/a.ts": `// ${"TO" + "DO"}: later`, "test/b.test.ts": `/* ${"FIX" + "ME"} */` },
    { "src/a.ts": `// done` },
  );
});

test("a path of somebody's machine is found", () => {
  assertTells(
    foreignPathFindings,
    {
      "README.md": `see ${"../sha" + "red/spec"}`,
      "src/a.ts": `open("${"/wo" + "rk/main"}/x")`,
      "b.yaml": `cwd: ${"/ho" + "me/ann"}/x`,
    },
    { "src/a.ts": `open("/var/lib/duragent")` },
  );
});

test("a metric that only the code, or only the table, knows is found", () => {
  const used = { "src/runtime/a.ts": `metrics.add("duragent_turns_total", { outcome });` };
  assert.deepEqual(metricFindings(treeOf(used), ["duragent_turns_total"]), []);
  assert.equal(metricFindings(treeOf(used), []).length, 1);
  assert.equal(metricFindings(treeOf(used), ["duragent_turns_total", "duragent_syncs_total"]).length, 1);
});

test("imports are read in every form", () => {
  const source = [
    `import type { A } from "./a.ts";`,
    `import { b, type B } from "./b.ts";`,
    `import c, * as d from "./c.ts";`,
    `import {`,
    `  long,`,
    `} from "./long.ts";`,
    `import "./effect.ts";`,
    `export type { E } from "./e.ts";`,
    `export { f } from "./f.ts";`,
    `import json from "./j.json" with { type: "json" };`,
    `export const x = "not from './x.ts'";`,
    `const lazy = async () => (await import("./lazy.ts")).default;`,
    `// const no = import("./comment.ts");`,
  ].join("\n");
  assert.deepEqual(
    importsOf(source).map(({ specifier, kind }) => `${kind} ${specifier}`),
    [
      "type ./a.ts",
      "value ./b.ts",
      "value ./c.ts",
      "value ./long.ts",
      "value ./effect.ts",
      "type ./e.ts",
      "value ./f.ts",
      "value ./j.json",
      "dynamic ./lazy.ts",
    ],
  );
});
