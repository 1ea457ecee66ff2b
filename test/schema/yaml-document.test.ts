import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { plain } from "../../src/schema/parse-yaml.ts";
import { readYaml, yamlErrorLine } from "../../src/schema/yaml-document.ts";

function valueOf(source: string, variables?: Record<string, string>): unknown {
  const read = readYaml(source, { file: "f.yaml", ...(variables && { variable: (name: string) => variables[name] }) });
  return read.ok ? plain(read.document.root) : read.errors.map(yamlErrorLine);
}

for (const [title, source, expected] of [
  ["a variable", "a: ${X}", { a: "x" }],
  ["a default for what is unset", "a: ${NO:-other}", { a: "other" }],
  ["a default for what is empty", "a: ${EMPTY:-other}", { a: "other" }],
  ["an empty default: not set", "a: ${NO:-}\nb: 1", { b: 1 }],
  ["an empty value in quotes: not set", 'a: "${EMPTY}"\nb: 1', { b: 1 }],
  ["an empty entry of a list: left out", "a: [1, '${NO:-}', 2]", { a: [1, 2] }],
  ["a dollar", "a: $$\nb: $${X}\nc: $5\nd: a$", { a: "$", b: "${X}", c: "$5", d: "a$" }],
  ["a flow map, which plain YAML would refuse", "a: { url: ${URL} }", { a: { url: "http://h:1/#x, {y}" } }],
  ["the middle of a text", "a: <${X}|${X}${X}>", { a: "<x|xx>" }],
  ["a number", "a: ${N}\nb: '${N}'\nc: ${N}0", { a: 42, b: "42", c: 420 }],
  ["true", "a: ${T}", { a: true }],
  ["text in both kinds of quotes", "a: \"${X}\\n\"\nb: '${X}'''", { a: "x\n", b: "x'" }],
  ["a block", "a: |\n  one ${X}\n  ${URL}\nb: >\n  ${X}\n  ${X}\n", { a: "one x\nhttp://h:1/#x, {y}\n", b: "x x\n" }],
  ["a key", "${X}: 1", { x: 1 }],
  ["a value that looks like YAML", "a: ${NASTY}", { a: "[1, {b: c}]\nd: e # f" }],
  ["a value that looks like a reference", "a: ${REF}", { a: "${X}" }],
  ["a default with spaces and colons", "a: ${NO:-a: b # c}", { a: "a: b # c" }],
  ["nothing in comments", "# ${NO}\na: 1 # ${NO}", { a: 1 }],
  ["an aliased scalar", "a: &a ${X}\nb: *a", { a: "x", b: "x" }],
] as const) {
  test(`variables are put into ${title}`, () => {
    const variables = {
      X: "x",
      EMPTY: "",
      URL: "http://h:1/#x, {y}",
      N: "42",
      T: "true",
      NASTY: "[1, {b: c}]\nd: e # f",
      REF: "${X}",
    };
    assert.deepEqual(valueOf(source, variables), expected);
  });
}

for (const [title, source, ...errors] of [
  [
    "is missing",
    "a: 1\nb: { c: [x, ${GONE}] }",
    "f.yaml:2:13: the variable GONE is not set; set it in the environment or in .env, or write ${GONE:-default}",
  ],
  ["is not closed", "a: ${X\nb: 2", 'f.yaml:1:4: no "}" closes this "${" on its line; write $$ for a dollar'],
  ["has no name", "a: x${}", "f.yaml:1:5: expected ${NAME} or ${NAME:-default}; write $$ for a dollar"],
  [
    "has a form that is not known",
    "a: ${X-y}",
    "f.yaml:1:4: expected ${NAME} or ${NAME:-default}; write $$ for a dollar",
  ],
  ["stands before a mistake", "a: ${LONG}\nb: ]", 'f.yaml:2:4: Unexpected flow-seq-end token in YAML stream: "]"'],
] as const) {
  test(`a reference that ${title} is an error at its place`, () => {
    assert.deepEqual(valueOf(source, { LONG: "x\ny\nz".repeat(9) }), errors);
  });
}

test("whatever a variable holds, the structure stays and the text arrives unchanged", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1, maxLength: 30 }),
      fc.constantFrom("'", '"'),
      (value, quote) => {
        assert.deepEqual(valueOf(`a: ${quote}<\${V}>${quote}\nb: [\${V:-x}y, 2]`, { V: value }), {
          a: `<${value}>`,
          b: [typed(`${value}y`), 2],
        });
      },
    ),
    { numRuns: 200 },
  );
});

// Nothing that ends in "y" is anything but text.
const typed = (text: string): string => text;

for (const [title, source, pattern] of [
  ["a billion laughs", bomb(), /^f\.yaml:\d+:\d+: more than 100000 values, aliases followed$/],
  [
    "aliases of one long text",
    `a: &a ${"x".repeat(100_000)}\nb: [${"*a,".repeat(1000)}]`,
    /too much text, aliases followed/,
  ],
  ["an alias of itself", "a: &a [*a]", /^f\.yaml:1:7: nested more than 64 levels deep$/],
  ["65 levels", `${"[".repeat(66)}${"]".repeat(66)}`, /nested more than 64 levels deep$/],
  ["100,000 levels", "[".repeat(100_000), /nested too deeply$/],
  ["compact lists without end", "- ".repeat(100_000), /nested too deeply$/],
  ["256 KiB and a byte", "#".repeat(256 * 1024 + 1), /^f\.yaml: 262145 bytes; at most 262144 are read$/],
  ["an unknown alias", "a: *b", /f\.yaml:1:4: .*b/],
  ["two documents", "a: 1\n---\nb: 2", /^f\.yaml:2:1: a second document begins here; only one is read$/],
  ["a tag", "a: !!binary aGk=", /^f\.yaml:1:13: the tag "tag:yaml\.org,2002:binary" is not supported$/],
  ["a map as key", "? {a: b}\n: 1", /^f\.yaml:1:3: /],
  ["a prototype", "__proto__: { a: 1 }", /^f\.yaml:1:1: the key "__proto__" is not allowed$/],
] as const) {
  test(`${title} is refused, and where is said`, () => {
    const errors = valueOf(source);
    assert.ok(Array.isArray(errors));
    assert.match(String(errors[0]), pattern);
    assert.ok(errors.length <= 50);
  });
}

test("as many keys as fit are read, and a repeated one among them is found", () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join("\n");
  assert.equal(Object.keys(Object(valueOf(keys))).length, 20_000);
  const used = Array.from({ length: 20_000 }, (_, index) => `k${index}: *a`).join("\n");
  assert.equal(Object.keys(Object(valueOf(`a: &a x\n${used}`))).length, 20_001);
  const source = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join("\n");
  assert.deepEqual(valueOf(`${source}\nk7: 2`), ['f.yaml:20001:1: the key "k7" stands here twice']);
});

test("bytes that are not UTF-8 are refused at their place, a byte order mark is skipped", () => {
  const read = readYaml(Buffer.from([0x61, 0x3a, 0x20, 0x31, 0x0a, 0x62, 0xff]), { file: "f.yaml" });
  assert.deepEqual(!read.ok && read.errors.map(yamlErrorLine), ["f.yaml:2:2: not valid UTF-8 here"]);
  assert.deepEqual(valueOf("\uFEFFa: 1"), { a: 1 });
});

function bomb(): string {
  const levels = ["a: &l0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 9; level++) levels.push(`b${level}: &l${level} [${`*l${level - 1}, `.repeat(10)}]`);
  return levels.join("\n");
}
