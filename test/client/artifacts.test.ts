import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";

import { ApiProblem } from "../../src/client/api-problem.ts";
import { createClient } from "../../src/client/client.ts";
import { bytesOf } from "../suites/artifact-store.ts";
import { startHttp } from "../support/http-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const piece = Buffer.alloc(100_000, "0123456789");

async function* large(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < 50; sent += 1) yield piece;
}

test("artifacts are streamed up and down over every transport", async (t) => {
  const socketPath = join(await temporaryFolder(t), "server.sock");
  const http = await startHttp(t, { socketPath });
  const clients = [
    createClient({ socketPath }),
    createClient({ baseUrl: http.url }),
    createClient({ baseUrl: http.url, fetch }),
  ];
  const hash = createHash("sha256");
  for await (const chunk of large()) hash.update(chunk);
  const sha256 = hash.digest("hex");
  for (const [index, client] of clients.entries()) {
    const name = `of/${index} ü?#`;
    const stored = await client.putArtifact("tester", name, large(), { contentType: "text/plain" });
    assert.deepEqual([stored.name, stored.bytes, stored.sha256], [name, 5_000_000, sha256]);
    const whole = await client.getArtifact("tester", name);
    assert.deepEqual([whole.contentType, whole.sha256], ["text/plain", sha256]);
    assert.equal(
      createHash("sha256")
        .update(await bytesOf(whole.body))
        .digest("hex"),
      sha256,
    );
    const part = await client.getArtifact("tester", name, { range: { start: 99_995, end: 100_005 } });
    assert.equal((await bytesOf(part.body)).toString(), "5678901234");
    assert.equal((await client.putArtifact("tester", name, "text")).bytes, 4);
    assert.equal((await client.putArtifact("tester", name, new Uint8Array([1, 2, 3]))).bytes, 3);
  }
  const listed = await clients[0]?.listArtifacts("tester", { prefix: "of/", limit: 2 });
  assert.deepEqual([listed?.artifacts.length, listed?.next_cursor], [2, "of/1 ü?#"]);
});

test("an upload that its sender breaks off, and one that is refused, fail by name", async (t) => {
  const http = await startHttp(t);
  async function* broken() {
    yield piece;
    throw new Error("the file is gone");
  }
  for (const client of [createClient({ baseUrl: http.url }), createClient({ baseUrl: http.url, fetch })]) {
    await assert.rejects(client.putArtifact("tester", "a", broken()), /the file is gone/);
    await assert.rejects(
      client.putArtifact("nobody", "a", "x"),
      (error) => error instanceof ApiProblem && error.code === "agent-not-found",
    );
    await assert.rejects(client.getArtifact("tester", "a"), { code: "not-found" });
  }
});
