import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test, type TestContext } from "node:test";

import { webTool } from "../../../../src/adapters/tools/web/web.ts";
import type { Config } from "../../../../src/schema/config.ts";
import { Secret } from "../../../../src/schema/secret.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { callContext, localServer } from "./local-server.ts";

type SearchSettings = NonNullable<NonNullable<Config["web"]>["search"]>;
type Seen = { method: string | undefined; url: string; headers: IncomingMessage["headers"]; body: string };

/** A server that speaks a provider's documented API, and a tool that is configured for it. */
async function searching(
  t: TestContext,
  provider: SearchSettings["provider"],
  answer: { status?: number; body: unknown; headers?: Record<string, string> },
) {
  const seen: Seen[] = [];
  const { port } = await localServer(t, "127.0.0.1", (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += String(chunk)));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url ?? "", headers: request.headers, body });
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers }).end(text);
    });
  });
  const search: SearchSettings = {
    provider,
    api_key: new Secret("the-search-key"),
    base_url: `http://127.0.0.1:${port}/`,
  };
  return { seen, search: (args: object) => ask({ search, allow_private: false }, args) };
}

async function ask(web: Config["web"], args: object) {
  const tool = webTool({ web: () => web, version: "1", clock: new ManualClock() });
  const call = { call_id: "1", tool_name: "web", arguments: { action: "search", query: "rust & co", ...args } };
  assert.equal(tool.fault(call), null);
  return await tool.run(call, callContext());
}

test("Brave is asked as its documentation says, and its results come as a numbered list", async (t) => {
  const results = [
    {
      title: "The <strong>Rust</strong> book",
      url: "https://a.example/",
      description: "All\nabout <strong>it</strong>",
    },
    { title: "Second", url: "https://b.example/" },
  ];
  const { seen, search } = await searching(t, "brave", { body: { type: "search", web: { results } } });
  const result = await search({});
  assert.equal(
    result.content,
    "1. The Rust book\n   https://a.example/\n   All about it\n\n2. Second\n   https://b.example/",
  );
  assert.equal(seen[0]?.method, "GET");
  assert.equal(seen[0].url, "/res/v1/web/search?q=rust+%26+co&count=5");
  assert.equal(seen[0].headers["x-subscription-token"], "the-search-key");
  assert.equal(seen[0].headers["user-agent"], "Duragent/1");
});

test("SearXNG is asked for JSON at the operator's own address, private or not", async (t) => {
  const results = Array.from({ length: 30 }, (_, index) => ({
    title: `T${index}`,
    url: `https://x/${index}`,
    content: "c",
  }));
  const { seen, search } = await searching(t, "searxng", { body: { query: "x", results } });
  const result = await search({ count: 2 });
  assert.equal(result.content, "1. T0\n   https://x/0\n   c\n\n2. T1\n   https://x/1\n   c");
  assert.equal(seen[0]?.url, "/search?q=rust+%26+co&format=json");
});

test("Tavily is asked by POST with the key in a header", async (t) => {
  const results = [{ title: "T", url: "https://x/", content: "c", score: 0.9 }];
  const { seen, search } = await searching(t, "tavily", { body: { results } });
  assert.equal((await search({ count: 7 })).content, "1. T\n   https://x/\n   c");
  assert.equal(seen[0]?.method, "POST");
  assert.equal(seen[0].url, "/search");
  assert.equal(seen[0].headers.authorization, "Bearer the-search-key");
  assert.deepEqual(JSON.parse(seen[0].body), { query: "rust & co", max_results: 7 });
});

test("nothing found is said", async (t) => {
  const { search } = await searching(t, "brave", { body: { type: "search" } });
  assert.deepEqual(await search({}), { success: true, outcome: "ok", content: "Nothing was found." });
});

test("what a provider does wrong becomes a result that never holds the key", async (t) => {
  for (const [answer, expected] of [
    [{ status: 401, body: {} }, /brave answered 401: it does not accept web.search.api_key/],
    [{ status: 429, body: {} }, /brave answered 429: too many searches/],
    [{ status: 500, body: "the-search-key" }, /brave answered 500/],
    [{ body: "<html>" }, /not what its documentation says/],
    [{ body: { web: { results: [{ url: 1 }] } } }, /not what its documentation says/],
    [{ status: 302, body: "", headers: { location: "http://127.0.0.1:1/" } }, /redirect/],
  ] as const) {
    const { search } = await searching(t, "brave", answer);
    const result = await search({});
    assert.equal(result.outcome, "error");
    assert.match(result.content, expected);
    assert.doesNotMatch(result.content, /the-search-key/);
  }
});

test("what is missing in the configuration is named", async () => {
  assert.match((await ask(undefined, {})).content, /web\.search in duragent\.yaml/);
  assert.match((await ask({ allow_private: true }, {})).content, /web\.search in duragent\.yaml/);
  const brave = { allow_private: false, search: { provider: "brave" as const } };
  assert.match((await ask(brave, {})).content, /brave needs web\.search\.api_key/);
  const searxng = { allow_private: false, search: { provider: "searxng" as const } };
  assert.match((await ask(searxng, {})).content, /searxng needs web\.search\.base_url/);
});
