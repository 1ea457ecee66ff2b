import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../../src/adapters/file-system/node.ts";
import { openArtifactStore } from "../../../src/adapters/stores/registry.ts";
import { byteRange } from "../../../src/surfaces/http/request/byte-range.ts";
import { bytesOf, pieces } from "../../suites/artifact-store.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { ask, openRequest, startHttp, type HttpHarness } from "../../support/http-harness.ts";
import { newSession } from "../../support/runtime-harness.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

const place = (name?: string): string =>
  `/api/v1/agents/tester/artifacts${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;

const put = (http: HttpHarness, name: string, body: string | Uint8Array, type?: string) =>
  ask(http, { method: "PUT", path: place(name), body, headers: type === undefined ? {} : { "content-type": type } });

test("what is put is 201 the first time and 200 afterwards, listed, and comes back byte for byte", async (t) => {
  const http = await startHttp(t);
  const bytes = Buffer.from([0, 255, 10, 13, 128]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const first = await put(http, "out/ä b.bin", "old");
  assert.equal(first.status, 201);
  const second = await put(http, "out/ä b.bin", bytes, "image/x-own");
  assert.equal(second.status, 200);
  assert.equal(second.headers.etag, `"${sha256}"`);
  assert.deepEqual(
    { ...second.json, created_at: "" },
    { name: "out/ä b.bin", content_type: "image/x-own", bytes: 5, sha256, created_at: "" },
  );
  const incoming = await openRequest(http, { path: place("out/ä b.bin") });
  assert.deepEqual(await bytesOf(incoming), bytes);
  const { headers } = incoming;
  assert.equal(headers["content-type"], "image/x-own");
  assert.equal(headers["content-length"], "5");
  assert.equal(headers.etag, `"${sha256}"`);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["content-disposition"], `attachment; filename="_ b.bin"; filename*=UTF-8''%C3%A4%20b.bin`);
  assert.equal(headers["content-security-policy"], "sandbox; default-src 'none'");
  const listed = await ask(http, { path: `${place()}?prefix=out%2F` });
  assert.deepEqual(listed.json, { artifacts: [second.json] });
});

test("a range is 206 with its place, one that lies behind the end 416, and what is no range is passed over", async (t) => {
  const http = await startHttp(t);
  await put(http, "digits", "0123456789", "text/plain");
  const part = async (range: string, more = {}) => {
    const { status, text, headers } = await ask(http, { path: place("digits"), headers: { range, ...more } });
    return [status, status === 416 ? "" : text, headers["content-range"]];
  };
  assert.deepEqual(await part("bytes=2-4"), [206, "234", "bytes 2-4/10"]);
  assert.deepEqual(await part("bytes=7-"), [206, "789", "bytes 7-9/10"]);
  assert.deepEqual(await part("bytes=-3"), [206, "789", "bytes 7-9/10"]);
  assert.deepEqual(await part("bytes=10-"), [416, "", undefined]);
  assert.deepEqual(await part("bytes=0-1,3-4"), [200, "0123456789", undefined]);
  assert.deepEqual(await part("lines=1-2"), [200, "0123456789", undefined]);
  assert.deepEqual(await part("bytes=2-4", { "if-range": '"another"' }), [200, "0123456789", undefined]);
  const etag = (await ask(http, { path: place("digits") })).headers.etag ?? "";
  assert.deepEqual(await part("bytes=2-4", { "if-range": etag }), [206, "234", "bytes 2-4/10"]);
  assert.equal((await ask(http, { path: place("digits"), headers: { "if-none-match": etag } })).status, 304);
  const head = await ask(http, { method: "HEAD", path: place("digits") });
  assert.deepEqual([head.status, head.headers["content-length"], head.text], [200, "10", ""]);
});

test("ranges are read as RFC 9110 has them", () => {
  const cases: [string | undefined, number, ReturnType<typeof byteRange>][] = [
    [undefined, 10, null],
    ["", 10, null],
    ["bytes=-", 10, null],
    ["bytes=5-2", 10, null],
    ["bytes=a-b", 10, null],
    ["bytes=0-0", 10, { start: 0, end: 1 }],
    ["bytes=0-99", 10, { start: 0, end: 10 }],
    ["bytes=-99", 10, { start: 0, end: 10 }],
    ["bytes=-0", 10, "unsatisfiable"],
    ["bytes=0-", 0, "unsatisfiable"],
    ["bytes=99999999999999999999-", 10, null],
  ];
  for (const [header, bytes, expected] of cases) assert.deepEqual(byteRange(header, bytes), expected, header);
});

test("an agent or an artifact that is not there is 404, and a name that can not be one is 400", async (t) => {
  const http = await startHttp(t);
  const codeOf = async (question: Parameters<typeof ask>[1]) => {
    const { status, json } = await ask(http, question);
    return `${status} ${json.type.replace("urn:duragent:problem:", "")}`;
  };
  assert.equal(await codeOf({ path: "/api/v1/agents/nobody/artifacts" }), "404 agent-not-found");
  assert.equal(await codeOf({ path: "/api/v1/agents/nobody/artifacts/a" }), "404 agent-not-found");
  assert.equal(
    await codeOf({ method: "PUT", path: "/api/v1/agents/nobody/artifacts/a", body: "x" }),
    "404 agent-not-found",
  );
  assert.equal(await codeOf({ path: place("none") }), "404 not-found");
  assert.equal(await codeOf({ method: "PUT", path: place("a\0b"), body: "x" }), "400 bad-request");
  assert.equal(await codeOf({ method: "PUT", path: place("x".repeat(250)), body: "x" }), "400 bad-request");
  assert.equal(await codeOf({ path: `${place()}?limit=0` }), "400 bad-request");
  assert.equal(await codeOf({ path: `${place()}?lim=1` }), "400 bad-request");
  const encoded = { "content-encoding": "gzip" };
  assert.equal(
    await codeOf({ method: "PUT", path: place("a"), body: "x", headers: encoded }),
    "415 unsupported-media-type",
  );
  assert.equal(await codeOf({ method: "POST", path: place("a"), body: "x" }), "405 method-not-allowed");
  const huge = { "content-length": `${6 * 1024 ** 3}` };
  assert.equal(await codeOf({ method: "PUT", path: place("a"), headers: huge, body: "x" }), "413 too-large");
});

test("names are data: what looks like a path, decoded once or twice, is the name of an artifact", async (t) => {
  const http = await startHttp(t);
  for (const name of ["...", "../../x", "%2e%2e%2f", "a%2Fb", "a/b", "?q", "a b+c"]) {
    assert.equal((await put(http, name, `of ${name}`)).status, 201, name);
    assert.equal((await ask(http, { path: place(name) })).text, `of ${name}`);
  }
  assert.equal((await ask(http, { path: place() })).json.artifacts.length, 7);
});

test("a long list comes in pages", async (t) => {
  const http = await startHttp(t);
  for (const name of ["a", "b", "c"]) await put(http, name, "x");
  const first = (await ask(http, { path: `${place()}?limit=2` })).json;
  assert.deepEqual([first.artifacts.map((one: { name: string }) => one.name), first.next_cursor], [["a", "b"], "b"]);
  const rest = (await ask(http, { path: `${place()}?limit=2&cursor=${first.next_cursor}` })).json;
  assert.deepEqual([rest.artifacts.map((one: { name: string }) => one.name), rest.next_cursor], [["c"], undefined]);
});

test("an upload whose client hangs up stores nothing, and leaves what was there", async (t) => {
  const http = await startHttp(t);
  await put(http, "a", "before");
  const upload = request({
    host: "127.0.0.1",
    port: http.port,
    method: "PUT",
    path: place("a"),
    headers: { "content-length": 100_000 },
  });
  upload.on("error", () => undefined);
  await new Promise<void>((resolve) => void upload.write("half", () => resolve()));
  upload.destroy();
  await until("the upload was refused", () => http.log.some(({ message }) => /"status":400/.test(message)));
  assert.equal((await ask(http, { path: place("a") })).text, "before");
});

test("a download that its client leaves is let go of", async (t) => {
  let open = 0;
  async function* endless() {
    open += 1;
    try {
      for (;;) yield Buffer.alloc(64 * 1024);
    } finally {
      open -= 1;
    }
  }
  const http = await startHttp(t);
  const { artifacts } = http.parts;
  const ref = await artifacts.put("tester", "a", pieces("x"), {});
  artifacts.find = async () => ({ ...ref, meta: { ...ref.meta, bytes: 2 ** 40 } });
  artifacts.get = endless;
  const leaving = new AbortController();
  const incoming = await openRequest(http, { path: place("a") }, leaving.signal);
  incoming.on("error", () => undefined);
  await new Promise((resolve) => void incoming.once("data", resolve));
  assert.equal(open, 1);
  leaving.abort();
  await until("the store was let go of", () => open === 0);
});

test("with a session goes what it had made, and what others put stays", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const { artifacts } = http.parts;
  await artifacts.put("tester", "of the session", pieces("x"), { session_id: id });
  await put(http, "of the user", "x");
  assert.equal((await ask(http, { method: "DELETE", path: `/api/v1/sessions/${id}` })).status, 204);
  const { json } = await ask(http, { path: place() });
  assert.deepEqual(
    json.artifacts.map((one: { name: string }) => one.name),
    ["of the user"],
  );
});

test("a session whose artifacts can not be removed is still there, to be deleted again", async (t) => {
  const http = await startHttp(t);
  const id = await newSession(http);
  const { artifacts } = http.parts;
  const remove = artifacts.deleteOfSession.bind(artifacts);
  artifacts.deleteOfSession = () => Promise.reject(new Error("the disk is gone"));
  assert.equal((await ask(http, { method: "DELETE", path: `/api/v1/sessions/${id}` })).status, 500);
  artifacts.deleteOfSession = remove;
  assert.equal((await ask(http, { path: `/api/v1/sessions/${id}` })).status, 200);
  assert.equal((await ask(http, { method: "DELETE", path: `/api/v1/sessions/${id}` })).status, 204);
});

test("a full disk is 507, and what was there stays", async (t) => {
  const disk = new FailingDisk(nodeFileSystem);
  const disks = { folder: await temporaryFolder(t), fs: disk, clock: createSystemClock() };
  const http = await startHttp(t, { runtime: { artifacts: await openArtifactStore("filesystem", disks) } });
  assert.equal((await put(http, "a", "before")).status, 201);
  disk.fail({ operation: "write", code: "ENOSPC" });
  const refused = await put(http, "a", "after");
  assert.equal(refused.status, 507);
  assert.equal(refused.json.type, "urn:duragent:problem:storage-full");
  assert.equal((await ask(http, { path: place("a") })).text, "before");
  assert.equal((await put(http, "a", "after")).status, 200);
});
