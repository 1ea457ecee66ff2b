import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { test, type TestContext } from "node:test";

import { createIncomingFiles, type FetchOnce } from "../../../src/adapters/gateways/media.ts";
import { createAddressGuard } from "../../../src/adapters/tools/web/address-guard.ts";
import { guardedFetch } from "../../../src/adapters/tools/web/guarded-fetch.ts";
import { incomingFileBytesMax, MissingFile } from "../../../src/ports/incoming-files.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const secret = "bot123:SECRET";

async function served(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return `http://127.0.0.1:${address.port}`;
}

/** As the composition makes it: what is guarded reaches the public internet only. */
const fetchOnce: FetchOnce = async (url, { headers, signal, guarded }) => {
  const guard = createAddressGuard(() => !guarded);
  return (await guardedFetch(guard, url, { headers, signal, redirect: "manual" })).response;
};

function filesOf(
  apiRoot: string | undefined,
  clock: Parameters<typeof createIncomingFiles>[0]["clock"] = createVirtualClock(),
) {
  return createIncomingFiles({ fetch: fetchOnce, apiRootOf: (name) => (name === "tg" ? apiRoot : undefined), clock });
}

type Media = Parameters<ReturnType<typeof filesOf>["read"]>[1];
const media = (rest: Partial<Media>): Media => ({ type: "media", media_type: "image", ...rest });

async function whyMissing(files: ReturnType<typeof filesOf>, wanted: Media, gateway = "tg"): Promise<string> {
  try {
    await Array.fromAsync(files.read(gateway, wanted));
  } catch (error) {
    assert.ok(error instanceof MissingFile, String(error));
    assert.equal(error.message.includes("SECRET") || error.message.includes("127.0.0.1"), false, error.message);
    return error.message;
  }
  return "nothing is missing";
}

test("a file in the message, or where the platform keeps it, is read as it is", async (t) => {
  const root = await served(t, (request, response) =>
    response.end(`${request.url} ${String(request.headers["x-key"])}`),
  );
  const files = filesOf(root);
  const read = async (wanted: Media) => Buffer.concat(await Array.fromAsync(files.read("tg", wanted))).toString();
  assert.equal(await read(media({ data: Buffer.from("picture").toString("base64") })), "picture");
  assert.equal(await read(media({ url: `${root}/file/a`, headers: { "x-key": "k" } })), "/file/a k");
});

test("addresses that are not public are reached at the gateway's own api_root only, also by redirects", async (t) => {
  const inside = await served(t, (_request, response) => response.end("inside"));
  const root = await served(t, (_request, response) => response.writeHead(302, { location: `${inside}/x` }).end());
  const refused = "its address is not one of the public internet";
  assert.equal(await whyMissing(filesOf(root), media({ url: `${root}/${secret}` })), refused);
  assert.equal(await whyMissing(filesOf(root), media({ url: `${inside}/${secret}` })), refused);
  assert.equal(await whyMissing(filesOf(root), media({ url: `${root}/x` }), "other"), refused);
  assert.equal(await whyMissing(filesOf(undefined), media({ url: `${inside}/x` })), refused);
});

test("a server elsewhere can not send the core to the api_root that only its owner trusts", async () => {
  const asked: [string, boolean][] = [];
  const files = createIncomingFiles({
    fetch: async ({ href }, { guarded }) => {
      asked.push([href, guarded]);
      return new Response(null, { status: 302, headers: { location: "http://127.0.0.1:8081/inside" } });
    },
    apiRootOf: () => "http://127.0.0.1:8081/bot",
    clock: createVirtualClock(),
  });
  assert.match(await whyMissing(files, media({ url: "https://elsewhere.example/cat.png" })), /redirects/);
  assert.deepEqual(asked.slice(0, 2), [
    ["https://elsewhere.example/cat.png", true],
    ["http://127.0.0.1:8081/inside", true],
  ]);
});

test("what a request needs is told to the file's own server only", async (t) => {
  const heard: (string | undefined)[] = [];
  const target = new URL(
    await served(t, (request, response) => {
      heard.push(request.headers["x-key"]?.toString());
      response.end();
    }),
  );
  const start = await served(t, (request, response) => {
    heard.push(request.headers["x-key"]?.toString());
    const to = request.url === "/1" ? "/2" : target.href;
    response.writeHead(307, { location: to }).end();
  });
  const files = createIncomingFiles({
    fetch: (url, request) => fetchOnce(url, { ...request, guarded: false }),
    apiRootOf: () => undefined,
    clock: createVirtualClock(),
  });
  await Array.fromAsync(files.read("tg", media({ url: `${start}/1`, headers: { "x-key": secret } })));
  assert.deepEqual(heard, [secret, secret, undefined]);
});

test("what is too large, refused, cut off or nowhere is missing for a reason that names no address", async (t) => {
  let endlessBytes = 0;
  const root = await served(t, (request, response) => {
    switch (request.url) {
      case "/declared":
        return response.writeHead(200, { "content-length": String(incomingFileBytesMax + 1) }).flushHeaders();
      case "/endless": {
        const more = (): void => {
          do endlessBytes += 65_536;
          while (response.write(Buffer.alloc(65_536)));
          response.once("drain", more);
        };
        return more();
      }
      case "/cut":
        response.writeHead(200, { "content-length": "100" });
        response.write("x");
        return setImmediate(() => response.destroy());
      case "/round":
        return response.writeHead(302, { location: "/round" }).end();
      default:
        return response.writeHead(404).end(secret);
    }
  });
  const files = filesOf(root);
  const why = (path: string) => whyMissing(files, media({ url: `${root}${path}` }));
  assert.equal(await why("/declared"), "it is larger than 20 MB");
  assert.equal(await why("/endless"), "it is larger than 20 MB");
  assert.ok(endlessBytes < 3 * incomingFileBytesMax, `${endlessBytes} bytes were taken`);
  assert.equal(await whyMissing(files, media({ url: `${root}/x`, size: 30_000_000 })), "it is larger than 20 MB");
  assert.equal(await why(`/${secret}`), "its server answered with status 404");
  assert.equal(await why("/round"), "more than 5 redirects");
  assert.match(await why("/cut"), /^(its server could not be reached \(ECONNRESET\)|getting it failed)$/);
  assert.equal(await whyMissing(files, media({})), "the platform gave no way to get it");
  assert.equal(await whyMissing(files, media({ url: "file:///etc/passwd" })), "it has no http or https address");
  const closed = await whyMissing(filesOf("http://127.0.0.1:1"), media({ url: `http://127.0.0.1:1/${secret}` }));
  assert.equal(closed, "its server could not be reached (ECONNREFUSED)");
});

test("a server that does not answer is given up after 30 s", async (t) => {
  const asked = Promise.withResolvers<void>();
  const root = await served(t, () => asked.resolve());
  const clock = createVirtualClock();
  const missing = whyMissing(filesOf(root, clock), media({ url: `${root}/slow` }));
  await asked.promise;
  clock.advance(30_000);
  assert.equal(await missing, "it took more than 30 s");
});
