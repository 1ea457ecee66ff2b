import assert from "node:assert/strict";
import { test } from "node:test";

import { bundledGateways } from "../../src/adapters/gateways/registry.ts";
import { metricDefinitions } from "../../src/adapters/metrics/definitions.ts";
import { jsonSchemaFiles } from "../../src/schema/json-schemas.ts";
import { cycleFindings } from "./checks/cycles.ts";
import { barrelFindings, sizeFindings } from "./checks/files.ts";
import { bundledGatewayFindings, gatewayImportFindings } from "./checks/gateways.ts";
import { impurityFindings, layerFindings } from "./checks/layers.ts";
import { coverageFindings, registryFindings } from "./checks/registries.ts";
import { foreignPathFindings, metricFindings, nameFindings, unfinishedFindings } from "./checks/words.ts";
import { readTree, type Finding } from "./source-tree.ts";

const source = await readTree("src");
const code = await readTree("src", "gateways", "bin", "scripts", "test", "bench");
const everything = await readTree(".");

function assertNone(findings: readonly Finding[]): void {
  assert.deepEqual(
    findings.map(({ path, problem }) => `${path} ${problem}`),
    [],
  );
}

test("every file imports only from the layers below it", () => {
  assertNone(layerFindings(source));
});

test("a gateway imports only its own files and what its package names", () => {
  assertNone(gatewayImportFindings(code));
});

test("every gateway that comes along is known by its bin", () => {
  assertNone(bundledGatewayFindings(code, bundledGateways));
});

test("domain and runtime get time, chance and the world through ports", () => {
  assertNone(impurityFindings(source));
});

test("no files load each other", () => {
  assertNone(cycleFindings(code));
});

test("no file is above 300 lines, no test above 500", () => {
  assertNone(sizeFindings(code));
});

test("no file only passes on what others export", () => {
  assertNone(barrelFindings(code));
});

test("every adapter, command and group of routes is listed in its registry", () => {
  assertNone(registryFindings(source));
});

test("every adapter of a registry is covered by the suite of its port", () => {
  assertNone(coverageFindings(code));
});

test("names say what they name", () => {
  assertNone(nameFindings(code));
});

test("nothing was left for later", () => {
  assertNone(unfinishedFindings(code));
});

test("no file names a path of somebody's machine", () => {
  assertNone(foreignPathFindings(everything));
});

test("every metric that is counted is in the table, and every one of the table is counted", () => {
  assertNone(metricFindings(source, Object.keys(metricDefinitions)));
});

test("the schemas in schemas/ are those of the code: npm run schemas writes them", async () => {
  const written = new Map([...(await readTree("schemas"))].map(([path, text]) => [path.replace("schemas/", ""), text]));
  assert.deepEqual([...written.keys()].toSorted(), [...jsonSchemaFiles().keys()].toSorted());
  for (const [name, text] of jsonSchemaFiles())
    assert.equal(written.get(name) === text, true, `${name} is not current`);
});
