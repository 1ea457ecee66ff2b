import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { Readable } from "node:stream";

import { orAborted } from "../../or-aborted.ts";
import { allowedAddresses, type Address, type AddressGuard } from "./address-guard.ts";
import { decoded } from "./decoded-body.ts";

/** How many redirects are followed. */
const redirectsMax = 5;
const nullBodyStatus = new Set([204, 205, 304]);
const redirectStatus = new Set([301, 302, 303, 307, 308]);
// Anything else may be a credential, whatever it is called, and is not meant for another origin.
const carriedAcrossOrigins = new Set(["accept", "accept-language", "content-type", "user-agent"]);

export type GuardedRequest = {
  method?: string;
  headers?: Headers;
  body?: string;
  signal?: AbortSignal;
  /** `manual`: the answer that redirects is the answer. */
  redirect?: "follow" | "manual";
};

/**
 * `fetch` that reaches only what the guard allows: every address is checked when it is dialled and the checked one is
 * dialled, for each redirect (at most 5) anew. http and https, no proxy, no cookies, no user name in the URL. `url`: where the
 * answer came from. The body is decoded as it is read: its reader sets the bound.
 */
export async function guardedFetch(
  guard: AddressGuard,
  start: string | URL,
  request: GuardedRequest = {},
): Promise<{ url: string; response: Response }> {
  let url = checkedUrl(start);
  let next: GuardedRequest = request;
  for (let redirects = 0; ; redirects++) {
    const answer = await dial(guard, url, next);
    const location = answer.headers.location;
    const isRedirect = redirectStatus.has(answer.statusCode ?? 0) && request.redirect !== "manual";
    if (!isRedirect || location === undefined) {
      return { url: url.href, response: responseOf(answer) };
    }
    answer.destroy();
    if (redirects === redirectsMax) throw new Error(`more than ${redirectsMax} redirects`);
    const target = checkedUrl(location, url);
    next = redirected(next, answer.statusCode ?? 0, target.origin === url.origin);
    url = target;
  }
}

function checkedUrl(text: string | URL, base?: URL): URL {
  const url = URL.parse(String(text), base?.href);
  if (url === null) throw new Error(`${JSON.stringify(String(text).slice(0, 200))} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(`only http and https are fetched, not ${url.protocol.slice(0, 40)}`);
  if (url.username !== "" || url.password !== "") throw new Error("a URL with a user name or password is not fetched");
  url.hash = "";
  return url;
}

async function dial(guard: AddressGuard, url: URL, request: GuardedRequest): Promise<IncomingMessage> {
  const { signal } = request;
  const looked = allowedAddresses(guard, url.hostname);
  const addresses = await (signal ? orAborted(looked, signal) : looked);
  const [Agent, send] = url.protocol === "https:" ? [HttpsAgent, httpsRequest] : [HttpAgent, httpRequest];
  const headers = new Headers(request.headers);
  // The host is the URL's; no caller says otherwise.
  headers.delete("host");
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "gzip, deflate, br");
  return await new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: request.method ?? "GET",
      headers: Object.fromEntries(headers),
      // A connection of its own for each request: one that is kept open would be used without a check. An agent made here knows no proxy.
      agent: new Agent({ keepAlive: false }),
      lookup: pinned(addresses),
      ...(signal ? { signal } : {}),
    });
    outgoing.on("error", reject).on("response", (answer) => {
      // Whoever reads the body hears of it; where nobody does, nobody needs to.
      answer.on("error", () => undefined);
      resolve(answer);
    });
    outgoing.end(request.body);
  });
}

/** What was checked is what is dialled: a name that is asked for again may have another address by then. */
function pinned(addresses: readonly Address[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? "", first?.family ?? 0);
  };
}

function redirected(request: GuardedRequest, status: number, sameOrigin: boolean): GuardedRequest {
  const { body, method = "GET", ...rest } = request;
  const isGetFromNow = (status === 303 && method !== "HEAD") || (status < 303 && method === "POST");
  const headers = new Headers(
    [...(request.headers ?? [])].filter(([name]) => sameOrigin || carriedAcrossOrigins.has(name)),
  );
  if (isGetFromNow) headers.delete("content-type");
  return isGetFromNow
    ? { ...rest, method: "GET", headers }
    : { ...rest, method, headers, ...(body === undefined ? {} : { body }) };
}

function responseOf(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) {
    answer.destroy();
    throw new Error(`the server answered with the status ${status}, which does not exist`);
  }
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  if (nullBodyStatus.has(status)) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  const body = Readable.toWeb(decoded(answer, headers.get("content-encoding") ?? "")) as ReadableStream<Uint8Array>;
  // Both speak of the bytes on the wire.
  if (headers.has("content-encoding")) headers.delete("content-length");
  headers.delete("content-encoding");
  return new Response(body, { status, headers });
}

/** The same with the arguments of `fetch`, for clients that take one of their own; of bodies it sends text only. */
export const fetchWithin =
  (guard: AddressGuard) =>
  async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { method, body, signal, redirect } = init;
    if (body !== undefined && body !== null && typeof body !== "string") throw new TypeError("only text can be sent");
    const { response } = await guardedFetch(guard, url, {
      headers: new Headers(init.headers),
      ...(method === undefined ? {} : { method }),
      ...(body ? { body } : {}),
      ...(signal ? { signal } : {}),
      ...(redirect === "manual" ? { redirect } : {}),
    });
    return response;
  };
