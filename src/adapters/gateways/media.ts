import type { IncomingMedia } from "@duragent/gateway-protocol";

import type { Clock } from "../../ports/clock.ts";
import { incomingFileBytesMax, MissingFile, type IncomingFiles } from "../../ports/incoming-files.ts";
import { hasCode } from "../error-code.ts";

const timeoutMs = 30_000;
const redirectsMax = 5;
const redirectStatus = new Set([301, 302, 303, 307, 308]);

/** One GET whose redirects are answers; `guarded`: only to addresses of the public internet. Rejects when the signal fires. */
export type FetchOnce = (
  url: URL,
  request: { readonly headers: Headers; readonly signal: AbortSignal; readonly guarded: boolean },
) => Promise<Response>;

type Parts = {
  readonly fetch: FetchOnce;
  /** `api_root` of a configured gateway: an address that its owner trusts it with. */
  apiRootOf(gateway: string): string | undefined;
  readonly clock: Pick<Clock, "after">;
};

/** Gets files from where a platform keeps them, or out of the message itself. */
export function createIncomingFiles(parts: Parts): IncomingFiles {
  return {
    read(gateway, media) {
      if (media.data !== undefined) return inline(media.data);
      if (media.url !== undefined) return fetched(parts, gateway, { ...media, url: media.url });
      return missing("the platform gave no way to get it");
    },
  };
}

// eslint-disable-next-line require-yield
async function* missing(why: string): AsyncGenerator<Uint8Array> {
  throw new MissingFile(why);
}

async function* inline(data: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(data, "base64");
}

async function* fetched(
  parts: Parts,
  gateway: string,
  media: IncomingMedia & { readonly url: string },
): AsyncGenerator<Uint8Array> {
  if ((media.size ?? 0) > incomingFileBytesMax) throw tooLarge();
  const late = new AbortController();
  const disarm = parts.clock.after(timeoutMs, () =>
    late.abort(new MissingFile(`it took more than ${timeoutMs / 1_000} s`)),
  );
  try {
    const response = await follow(parts, { gateway, media, signal: late.signal });
    yield* bounded(response, late.signal);
  } catch (error) {
    throw said(error, late.signal);
  } finally {
    disarm();
    late.abort(new MissingFile("it is not wanted any more"));
  }
}

type Wanted = {
  readonly gateway: string;
  readonly media: IncomingMedia & { readonly url: string };
  readonly signal: AbortSignal;
};

async function follow(parts: Parts, { gateway, media, signal }: Wanted): Promise<Response> {
  const trusted = URL.parse(parts.apiRootOf(gateway) ?? "")?.origin;
  const start = URL.parse(media.url);
  let url = start;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    if (url === null || !/^https?:$/.test(url.protocol)) throw new MissingFile("it has no http or https address");
    // What a request for it needs may be a credential: nobody else's server is told.
    const headers = new Headers(url.origin === start?.origin ? media.headers : {});
    // Who is elsewhere must not choose what is asked for in there.
    const isTrusted = url.origin === trusted && start?.origin === trusted;
    const response = await parts.fetch(url, { headers, signal, guarded: !isTrusted });
    const location = response.headers.get("location");
    if (!redirectStatus.has(response.status) || location === null) {
      if (response.ok) return response;
      await response.body?.cancel();
      throw new MissingFile(`its server answered with status ${response.status}`);
    }
    await response.body?.cancel();
    url = URL.parse(location, url.href);
  }
  throw new MissingFile(`more than ${redirectsMax} redirects`);
}

async function* bounded(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const declared = Number(response.headers.get("content-length") ?? 0);
  if (declared > incomingFileBytesMax) throw tooLarge();
  if (response.body === null) return;
  let bytes = 0;
  // Leaving the loop cancels the body, and with it the connection.
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > incomingFileBytesMax) throw tooLarge();
    yield chunk;
  }
  if (response.headers.has("content-length") && bytes < declared) throw new MissingFile("its server broke off");
}

const tooLarge = (): MissingFile => new MissingFile(`it is larger than ${incomingFileBytesMax / 1_000_000} MB`);

/** The words of an error may hold the address, and the address a token: only what kind of failure it was is told. */
function said(error: unknown, signal: AbortSignal): MissingFile {
  if (error instanceof MissingFile) return error;
  if (signal.aborted && signal.reason instanceof MissingFile) return signal.reason;
  if (error instanceof Error && error.name === "RefusedAddressError")
    return new MissingFile("its address is not one of the public internet");
  for (const code of ["ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"])
    if (hasCode(error, code)) return new MissingFile(`its server could not be reached (${code})`);
  return new MissingFile("getting it failed");
}
