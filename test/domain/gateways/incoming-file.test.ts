import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { artifactNameFault } from "../../../src/domain/artifact.ts";
import { artifactNameFor, fileLine } from "../../../src/domain/gateways/incoming-file.ts";

const text = fc.string({ unit: "binary", maxLength: 300 });
const about = fc.record({ media_type: text, mime_type: text, filename: text, size: fc.nat() });

test("whatever a file is called, the artifact's name can be one, and ends with its ending", () => {
  fc.assert(
    fc.property(about, (file) => {
      assert.equal(artifactNameFault(artifactNameFor(file, "0123abcd")), null);
    }),
  );
  const name = (filename: string, mime_type?: string) =>
    artifactNameFor({ media_type: "document", filename, ...(mime_type && { mime_type }) }, "0123abcd");
  assert.equal(name("../../etc/passwd"), "_.._etc_passwd-0123abcd");
  assert.equal(name("report.PDF"), "report-0123abcd.PDF");
  assert.equal(name("", "image/png; x=y"), "document-0123abcd.png");
  assert.equal(name(".bashrc"), "bashrc-0123abcd");
  for (const long of ["ü", "%", "\u{1f600}"].map((character) => character.repeat(200))) {
    assert.equal(name(`${long}.tar`), `${Array.from(long).slice(0, 40).join("")}-0123abcd.tar`);
    assert.equal(artifactNameFault(name(`${long}.tar`)), null);
  }
});

test("a file's line is one line in one pair of brackets", () => {
  fc.assert(
    fc.property(about, text, (file, outcome) => {
      assert.match(fileLine(file, outcome), /^\[[^[\]\n\r\u2028\u2029]*\]$/u);
    }),
  );
});

test("sizes are short", () => {
  const size = (bytes: number) => fileLine({ media_type: "x", size: bytes }, "y");
  assert.deepEqual(
    [0, 999, 83_210, 999_499, 999_500, 19_950_000].map(size),
    ["0 bytes", "999 bytes", "83 KB", "999 KB", "1.0 MB", "19.9 MB"].map((shown) => `[x, ${shown}: y]`),
  );
});
