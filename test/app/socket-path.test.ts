import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";

import { socketPathFor } from "../../src/app/socket-path.ts";

const deep = `/${"d".repeat(120)}`;

test("the socket lies in the data directory while its path fits", async () => {
  assert.equal(await socketPathFor("/data", {}), "/data/server.sock");
});

test("a path above 100 bytes goes to the runtime directory, another for each data directory", async () => {
  const env = { XDG_RUNTIME_DIR: "/run/user/1" };
  const path = await socketPathFor(deep, env);
  assert.match(path, /^\/run\/user\/1\/duragent-[0-9a-f]{16}\.sock$/);
  assert.notEqual(await socketPathFor(`${deep}x`, env), path);
});

test("without a runtime directory it goes to a folder that only its user can enter", async () => {
  const path = await socketPathFor(deep, {});
  assert.ok(Buffer.byteLength(path) <= 100);
  assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
});
