import assert from "node:assert/strict";
import { test } from "node:test";

import { createAddressGuard, type AddressGuard } from "../../../../src/adapters/tools/web/address-guard.ts";
import { guardedFetch } from "../../../../src/adapters/tools/web/guarded-fetch.ts";
import { isPublicAddress } from "../../../../src/adapters/tools/web/public-address.ts";
import { webTool } from "../../../../src/adapters/tools/web/web.ts";
import { allowedAddresses, names, refusedUrls } from "../../../tables/web-addresses.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { callContext, localServer, tripwire } from "./local-server.ts";

const familyOf = (address: string): 4 | 6 => (address.includes(":") ? 6 : 4);

function lookupOf(table: Readonly<Record<string, readonly string[]>>): AddressGuard["lookup"] {
  return (hostname) => {
    const found = table[hostname];
    return found
      ? Promise.resolve(found.map((address) => ({ address, family: familyOf(address) })))
      : Promise.reject(new Error(`getaddrinfo ENOTFOUND ${hostname}`));
  };
}

/** 127.0.0.2 stands for the internet: a server can listen there. */
const withPublicServer = (lookup: AddressGuard["lookup"]): AddressGuard => ({
  lookup,
  isAllowed: (address) => address === "127.0.0.2" || isPublicAddress(address),
});

const fetchCall = (url: string) => ({ call_id: "call_1", tool_name: "web", arguments: { action: "fetch", url } });

const refusal =
  /not an address of the public|only http and https|is not a URL|user name|nothing was run|no address|ENOTFOUND/;

test("no address and no spelling of one lets the model reach this machine or its network", async (t) => {
  const wire = await tripwire(t);
  const guard = createAddressGuard(() => false, lookupOf(names));
  const web = webTool({ web: () => undefined, version: "1", clock: new ManualClock() }, guard);
  const reached: string[] = [];
  for (const template of refusedUrls) {
    const url = template.replaceAll("PORT", String(wire.port));
    const call = fetchCall(url);
    const said = web.fault(call) ?? (await web.run(call, callContext())).content;
    // A connection that fails was tried: it would have succeeded somewhere else.
    if (!refusal.test(said) || wire.connections() > 0) reached.push(`${url}: ${said}`);
  }
  assert.deepEqual(reached, []);
  assert.equal(wire.connections(), 0);
  assert.ok(refusedUrls.length >= 60, "the table has shrunk");
});

test("names that the system itself resolves to this machine are refused as well", async (t) => {
  const wire = await tripwire(t);
  const guard = createAddressGuard(() => false);
  await assert.rejects(guardedFetch(guard, `http://localhost:${wire.port}/`), /not an address of the public internet/);
  assert.equal(wire.connections(), 0);
});

test("addresses of the public internet are allowed, neighbours of refused ranges included", () => {
  assert.deepEqual(
    allowedAddresses.filter((address) => !isPublicAddress(address)),
    [],
  );
});

test("what is no address at all is not a public one", () => {
  for (const text of ["", "example.com", "1.2.3", "1.2.3.4.5", "::g", "1.1.1.1/8", "[::1]"])
    assert.equal(isPublicAddress(text), false, text);
});

test("a name that means another address when it is dialled gets nobody to the second one", async (t) => {
  const wire = await tripwire(t);
  let asked = 0;
  // A nameserver that answers with a public address first, and with one of this machine from then on.
  const rebinding = withPublicServer((hostname) =>
    lookupOf({ "rebinding.test": [asked++ === 0 ? "127.0.0.2" : "127.0.0.1"] })(hostname),
  );
  // Nobody listens at 127.0.0.2 on that port, so the fetch fails; what counts is who was not reached.
  await assert.rejects(guardedFetch(rebinding, `http://rebinding.test:${wire.port}/`));
  assert.equal(wire.connections(), 0);
});

test("the address that was checked is the one that is dialled, once for each connection", async (t) => {
  const { port } = await localServer(t, "127.0.0.2", (_request, answer) => answer.end("here"));
  let asked = 0;
  const guard = withPublicServer((hostname) => {
    asked += 1;
    return lookupOf({ "public.test": ["127.0.0.2"] })(hostname);
  });
  const { response } = await guardedFetch(guard, `http://public.test:${port}/`);
  assert.equal(await response.text(), "here");
  assert.equal(asked, 1);
});

test("a redirect to a private address is not followed, by whatever status and spelling", async (t) => {
  const wire = await tripwire(t);
  const targets = [
    `http://127.0.0.1:${wire.port}/`,
    `//127.0.0.1:${wire.port}/`,
    `http://127.1:${wire.port}/`,
    `http://[::1]:${wire.port}/`,
    `http://[::ffff:127.0.0.1]:${wire.port}/`,
    `http://loopback.test:${wire.port}/`,
    `http://user@127.0.0.1:${wire.port}/`,
    "file:///etc/passwd",
  ];
  const { port } = await localServer(t, "127.0.0.2", (request, answer) => {
    const [, status, index] = (request.url ?? "").split("/");
    answer.writeHead(Number(status), { location: targets[Number(index)] }).end();
  });
  const guard = withPublicServer(lookupOf({ ...names, "public.test": ["127.0.0.2"] }));
  for (const status of [301, 302, 303, 307, 308])
    for (const index of targets.keys())
      await assert.rejects(guardedFetch(guard, `http://public.test:${port}/${status}/${index}`));
  assert.equal(wire.connections(), 0);
});

test("five redirects are followed, a sixth is not, and the last address is the source", async (t) => {
  const { port } = await localServer(t, "127.0.0.2", (request, answer) => {
    const left = Number(request.url?.slice(1));
    if (left > 0) answer.writeHead(302, { location: `/${left - 1}` }).end();
    else answer.end("arrived");
  });
  const guard = withPublicServer(lookupOf({ "public.test": ["127.0.0.2"] }));
  const five = await guardedFetch(guard, `http://public.test:${port}/5`);
  assert.equal(await five.response.text(), "arrived");
  assert.equal(five.url, `http://public.test:${port}/0`);
  await assert.rejects(guardedFetch(guard, `http://public.test:${port}/6`), /more than 5 redirects/);
});

test("credentials do not travel to another origin, and no cookie comes back", async (t) => {
  const seen: Record<string, unknown>[] = [];
  const other = await localServer(t, "127.0.0.2", (request, answer) => {
    seen.push({ ...request.headers, method: request.method });
    answer.end("other");
  });
  const first = await localServer(t, "127.0.0.2", (request, answer) => {
    const location = request.url === "/same" ? "/" : `http://127.0.0.2:${other.port}/`;
    if (request.url === "/") seen.push({ ...request.headers });
    answer.writeHead(request.url === "/" ? 200 : 302, { location, "set-cookie": "id=1" }).end();
  });
  const guard = withPublicServer(lookupOf({}));
  const headers = new Headers({ authorization: "Bearer x", cookie: "a=b", "x-api-key": "k", accept: "text/plain" });
  await guardedFetch(guard, `http://127.0.0.2:${first.port}/same`, { headers });
  await guardedFetch(guard, `http://127.0.0.2:${first.port}/else`, { headers, method: "POST", body: "text" });
  assert.equal(seen[0]?.["authorization"], "Bearer x");
  assert.equal(seen[0]?.["cookie"], "a=b");
  const { authorization, cookie, accept, method, ["x-api-key"]: key } = seen[1] ?? {};
  assert.deepEqual(
    { authorization, cookie, accept, method, key },
    {
      authorization: undefined,
      cookie: undefined,
      accept: "text/plain",
      method: "GET",
      key: undefined,
    },
  );
});

test("web.allow_private lifts the guard for as long as it is set", async (t) => {
  const { port } = await localServer(t, "127.0.0.1", (_request, answer) => {
    answer.setHeader("content-type", "text/plain");
    answer.end("at home");
  });
  let isAllowed = true;
  const web = webTool({ web: () => ({ allow_private: isAllowed }), version: "1", clock: new ManualClock() });
  const call = fetchCall(`http://127.0.0.1:${port}/`);
  assert.match((await web.run(call, callContext())).content, /at home/);
  isAllowed = false;
  assert.match((await web.run(call, callContext())).content, /not an address of the public internet/);
});
