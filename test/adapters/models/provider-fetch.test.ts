import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { createProviderFetch } from "../../../src/adapters/models/provider-fetch.ts";

const refused = (): Promise<Response> => Promise.reject(new Error("the global fetch was asked"));

async function serve(listener: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("a posted text arrives with its headers, and the answer comes back with its own", async () => {
  await using server = await serve((request, response) => {
    response.writeHead(429, { "retry-after": "7", "x-length": request.headers["content-length"] });
    request.pipe(response);
  });
  const answer = await createProviderFetch(refused)(server.url, { method: "POST", body: "grüß", headers: { a: "b" } });
  assert.equal(answer.status, 429);
  assert.equal(answer.headers.get("retry-after"), "7");
  assert.equal(answer.headers.get("x-length"), "6");
  assert.equal(await answer.text(), "grüß");
});

test("a server that is not there fails in the words of the global fetch", async () => {
  const fetch = createProviderFetch(refused);
  await assert.rejects(fetch("http://127.0.0.1:9/", { method: "POST", body: "" }), {
    name: "TypeError",
    message: "fetch failed",
  });
});

test("a body that breaks off is an error, not an end", async () => {
  await using server = await serve((_request, response) => {
    response.write("half", () => response.destroy());
  });
  const answer = await createProviderFetch(refused)(server.url, { method: "POST", body: "" });
  await assert.rejects(answer.text(), { name: "TypeError", message: "terminated" });
});

test("an abort ends the call with its own reason, before and after the answer has begun", async () => {
  await using server = await serve((request, response) => {
    if (request.url === "/begins") response.write("x");
  });
  const fetch = createProviderFetch(refused);
  const stop = new AbortController();
  const silent = fetch(server.url, { method: "POST", body: "", signal: stop.signal });
  const begun = await fetch(`${server.url}begins`, { method: "POST", body: "", signal: stop.signal });
  const reason = new Error("enough");
  stop.abort(reason);
  await assert.rejects(silent, reason);
  await assert.rejects(begun.text());
});

test("a redirect and whatever is no posted text are left to the global fetch", async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(308, { location: "/elsewhere" }).end();
  });
  const fetch = createProviderFetch(() => Promise.resolve(new Response("global")));
  assert.equal(await (await fetch(server.url, { method: "POST", body: "" })).text(), "global");
  assert.equal(await (await fetch(server.url)).text(), "global");
});
