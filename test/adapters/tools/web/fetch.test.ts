import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { test, type TestContext } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

import { htmlToMarkdown } from "../../../../src/adapters/tools/web/html-to-markdown.ts";
import { webTool } from "../../../../src/adapters/tools/web/web.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { until } from "../../../support/until.ts";
import { callContext, localServer, tripwire } from "./local-server.ts";

async function fetching(t: TestContext, answer: RequestListener, clock = new ManualClock()) {
  const { port } = await localServer(t, "127.0.0.1", answer);
  const web = webTool({ web: () => ({ allow_private: true }), version: "1.2.3", clock });
  const url = `http://127.0.0.1:${port}`;
  const run = (path = "/", signal?: AbortSignal) =>
    web.run(
      { call_id: "call_1", tool_name: "web", arguments: { action: "fetch", url: `${url}${path}` } },
      callContext(signal),
    );
  return { web, run, url };
}

const page =
  (type: string, body: string | Buffer, more: Record<string, string> = {}): RequestListener =>
  (_request, answer) =>
    void answer.writeHead(200, { "content-type": type, ...more }).end(body);

test("a page comes as Markdown, with its address and without scripts, styles and inline pictures", async (t) => {
  let userAgent: string | undefined;
  const { run, url } = await fetching(t, (request, answer) => {
    userAgent = request.headers["user-agent"];
    page(
      "text/html; charset=utf-8",
      `<!doctype html><title>T</title><style>p{}</style><h1>Heading</h1><p>Some <b>bold</b> <a href="/x">link</a> <a href="javascript:alert(2)">trap</a></p>
       <script>alert(1)</script><img src="data:image/png;base64,AAAA" alt="dot"><pre><code>x = 1</code></pre>`,
    )(request, answer);
  });
  const result = await run("/page?q=1");
  assert.equal(result.outcome, "ok");
  assert.equal(result.content.split("\n")[0], `Source: ${url}/page?q=1`);
  assert.ok(result.content.includes(`# Heading\n\nSome **bold** [link](${url}/x)`), result.content);
  assert.match(result.content, /```\nx = 1\n```/);
  assert.match(result.content, /\[image: dot\]/);
  assert.doesNotMatch(result.content, /alert|p\{\}|AAAA/);
  assert.equal(userAgent, "Duragent/1.2.3");
});

test("other text comes as it is, in the charset that it says", async (t) => {
  const bodies: Record<string, RequestListener> = {
    "/json": page("application/json", '{"a":"ü"}'),
    "/latin": page("text/plain; charset=iso-8859-1", Buffer.from([0xfc])),
    "/unknown-charset": page("text/plain; charset=klingon", "ü"),
    "/marked": page("text/plain", Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("ü", "utf16le")])),
    "/meta": page("text/html", Buffer.concat([Buffer.from('<meta charset="windows-1252"><p>'), Buffer.from([0x80])])),
    "/feed": page("application/atom+xml", "<feed>ü</feed>"),
    "/untyped": (_request, answer) => void answer.end("ü"),
  };
  const { run } = await fetching(t, (request, answer) => bodies[request.url ?? ""]?.(request, answer));
  const text = async (path: string): Promise<string> => (await run(path)).content.split("\n").slice(2).join("\n");
  assert.equal(await text("/json"), '{"a":"ü"}');
  assert.equal(await text("/latin"), "ü");
  assert.equal(await text("/unknown-charset"), "ü");
  assert.equal(await text("/marked"), "ü");
  assert.equal(await text("/meta"), "€");
  assert.equal(await text("/feed"), "<feed>ü</feed>");
  assert.equal(await text("/untyped"), "ü");
});

test("what is not text is refused by type and size, also where it calls itself text", async (t) => {
  const { run } = await fetching(t, (request, answer) =>
    page(request.url === "/pdf" ? "application/pdf" : "text/plain", Buffer.from([1, 0, 2]), { "content-length": "3" })(
      request,
      answer,
    ),
  );
  assert.match((await run("/pdf")).content, /application\/pdf \(3 bytes\), which is not text/);
  const lying = await run("/lying");
  assert.equal(lying.outcome, "error");
  assert.match(lying.content, /text\/plain \(3 bytes\), which is not text/);
});

test("a status that is no success is said, together with what the page says", async (t) => {
  const { run } = await fetching(t, (_request, answer) => {
    answer.writeHead(404, { "content-type": "text/plain" }).end("no such page");
  });
  const result = await run();
  assert.equal(result.success, false);
  assert.match(result.content, /The server answered 404\.[^]*no such page/);
});

test("a status that does not exist is an error, and the connection is closed", async (t) => {
  let isClosed = false;
  const { run } = await fetching(t, (request) => {
    request.socket.on("close", () => (isClosed = true));
    request.socket.write("HTTP/1.1 999 No\r\ncontent-type: text/plain\r\n\r\nx");
  });
  assert.match((await run()).content, /status 999, which does not exist/);
  await until("the server sees the connection closed", () => isClosed);
});

test("two MiB of a page without end are read, then the connection is closed", async (t) => {
  let isClosed = false;
  const { run } = await fetching(t, (_request, answer) => {
    answer.writeHead(200, { "content-type": "text/plain" });
    const line = `${"x".repeat(1023)}\n`.repeat(64);
    const fill = (): void => {
      while (!isClosed && answer.write(line));
    };
    answer.on("drain", fill).on("close", () => (isClosed = true));
    fill();
  });
  const result = await run();
  assert.match(result.content, /Only the first 2 MiB of the page were read/);
  assert.match(result.content, /Cut: the first 262144 of 2097152 characters/);
  assert.ok(result.content.length < 300_000);
  await until("the server sees the connection closed", () => isClosed);
});

test("compressed pages are decoded, and the bound counts what they unpack to", async (t) => {
  const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
  const { run } = await fetching(t, (request, answer) => {
    const [, kind, name = ""] = (request.url ?? "").split("/");
    const compress = Object.entries(encodings).find(([one]) => one === name)?.[1] ?? gzipSync;
    const body = kind === "bomb" ? Buffer.alloc(200 * 1024 * 1024, "a") : Buffer.from("hello");
    page("text/plain", compress(body), { "content-encoding": name })(request, answer);
  });
  for (const name of Object.keys(encodings)) assert.match((await run(`/plain/${name}`)).content, /hello/);
  const before = process.memoryUsage().rss;
  assert.match((await run("/bomb/gzip")).content, /Only the first 2 MiB/);
  assert.ok(process.memoryUsage().rss - before < 700 * 1024 * 1024);
  assert.match((await run("/plain/zstd")).content, /encoded as "zstd", which was not asked for/);
});

test("markup that the converter can not take comes as text without tags", async (t) => {
  const { run } = await fetching(t, page("text/html", `${"<b><i>".repeat(3_000)}the text<script>hidden</script>`));
  const result = await run();
  assert.equal(result.outcome, "ok");
  assert.match(result.content, /the text/);
  assert.match(result.content, /could not be converted/);
  assert.doesNotMatch(result.content, /hidden|<b>/);
});

test("markup that keeps the converter busy for minutes is given up in time, and the thread with it", async () => {
  const hostile = [
    "<div>".repeat(200_000),
    "<table>".repeat(50_000),
    "<script>".repeat(100_000),
    "<".repeat(2_000_000),
  ];
  const converted = await Promise.all(
    hostile.map((html) => htmlToMarkdown(`${html}the text`, { baseUrl: "http://x/", timeoutMs: 300 })),
  );
  assert.ok(converted.some(({ isConverted }) => !isConverted));
  assert.match(converted[0]?.text ?? "", /the text/);
});

test("a server that never finishes is given up after 30 s in all", async (t) => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  const { run } = await fetching(
    t,
    (_request, answer) => {
      answer.writeHead(200, { "content-type": "text/plain" }).write("so far");
      asked.resolve();
    },
    clock,
  );
  const result = run();
  await asked.promise;
  clock.advance(30_000);
  assert.equal((await result).outcome, "timeout");
});

test("a cancelled call ends at once, whatever the server does", async (t) => {
  const cancel = new AbortController();
  const asked = Promise.withResolvers<void>();
  const { run } = await fetching(t, () => asked.resolve());
  const result = run("/", cancel.signal);
  await asked.promise;
  cancel.abort(new Error("cancelled"));
  assert.equal((await result).outcome, "cancelled");
});

test("a proxy of the environment is not used: it would look names up by itself", async (t) => {
  const proxy = await tripwire(t);
  const script = `
    import { webTool } from ${JSON.stringify(import.meta.resolve("../../../../src/adapters/tools/web/web.ts"))};
    const web = webTool({ web: () => undefined, version: "1", clock: { after: () => () => undefined } });
    const call = { call_id: "1", tool_name: "web", arguments: { action: "fetch", url: "http://127.0.0.1:1/" } };
    console.log((await web.run(call, { signal: new AbortController().signal })).content);
    const allowed = webTool({ web: () => ({ allow_private: true }), version: "1", clock: { after: () => () => undefined } });
    console.log((await allowed.run(call, { signal: new AbortController().signal })).content);`;
  const address = `http://127.0.0.1:${proxy.port}`;
  const env = { ...process.env, NODE_USE_ENV_PROXY: "1", HTTP_PROXY: address, http_proxy: address, NO_PROXY: "" };
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += String(text)));
  await once(child, "close");
  assert.match(said, /not an address of the public internet[^]*ECONNREFUSED/);
  assert.equal(proxy.connections(), 0);
});

test("the arguments have to be those of one action", async (t) => {
  const { web } = await fetching(t, page("text/plain", ""));
  const fault = (args: unknown) => web.fault({ call_id: "1", tool_name: "web", arguments: args as never });
  assert.equal(fault({ action: "fetch", url: "https://example.com" }), null);
  assert.equal(fault({ action: "search", query: "x", count: 20 }), null);
  for (const args of [
    {},
    { action: "fetch" },
    { action: "fetch", query: "x" },
    { action: "search" },
    { action: "search", query: " " },
    { action: "search", query: "x", count: 21 },
    { action: "search", query: "x", count: 0 },
    { action: "post", url: "https://example.com" },
  ])
    assert.match(fault(args) ?? "nothing", /nothing was run/);
  const call = { call_id: "1", tool_name: "web", arguments: { action: "fetch", url: "x" } };
  assert.deepEqual(web.describe(call), { type: "builtin", text: "web:fetch" });
  assert.equal(web.effect, "pure");
  assert.equal(web.parallelSafe, true);
});
