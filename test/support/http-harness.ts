import { request, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import type { TestContext } from "node:test";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../src/adapters/file-system/node.ts";
import { openArtifactStore, openMemoryStore } from "../../src/adapters/stores/registry.ts";
import { DuragentError } from "../../src/schema/problem.ts";
import { createHttpApp, type HttpSurface } from "../../src/surfaces/http/app.ts";
import { listen, type Listener } from "../../src/surfaces/http/listen.ts";
import type { HttpOptions } from "../../src/surfaces/http/options.ts";
import { harness, type Harness, type HarnessOptions } from "./runtime-harness.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { openTestStore } from "./test-store.ts";

export type HttpHarnessOptions = {
  access?: Partial<HttpOptions["access"]>;
  limits?: Partial<HttpOptions["limits"]>;
  http?: Partial<HttpOptions>;
  runtime?: Partial<HarnessOptions>;
  maxConnections?: number;
  socketPath?: string;
};

export type HttpHarness = Harness & { surface: HttpSurface; listener: Listener; port: number; url: string };

// The harness has one agent that lies nowhere; a test of deployments brings a catalog of its own.
const none = (): Promise<never> => Promise.reject(new DuragentError("agent-not-found", "nothing is deployed here"));
const noDeployment: HttpOptions["deployment"] = { deploy: none, remove: none, pack: none };

const noGatewayHost: HttpOptions["gateways"] = {
  list: () => [],
  restart: (name) => Promise.reject(new DuragentError("not-found", `There is no gateway "${name}".`)),
  ping: (name) => Promise.reject(new DuragentError("not-found", `There is no gateway "${name}".`)),
  ask: async () => ({ kind: "unanswered", why: "not_ready", detail: "there is none" }),
};

/** A whole server of a test's own: real runtime, files and sockets; only the model is scripted. */
export async function startHttp(
  test: Pick<TestContext, "after">,
  options: HttpHarnessOptions = {},
): Promise<HttpHarness> {
  const place = { folder: await temporaryFolder(test), fs: nodeFileSystem, clock: createSystemClock() };
  const artifacts = await openArtifactStore("filesystem", place);
  const running = harness({ store: await openTestStore(test), artifacts, ...options.runtime });
  const { clock, log, metrics, catalog } = running.parts;
  const memory = await openMemoryStore("filesystem", { folder: await temporaryFolder(test), fs: nodeFileSystem });
  const surface = createHttpApp({
    sessions: running.sessions,
    agents: catalog,
    deployment: noDeployment,
    artifacts: running.parts.artifacts,
    memory,
    gateways: noGatewayHost,
    log,
    metrics,
    renderMetrics: async () => ({ contentType: "text/plain; version=0.0.4", body: "up 1\n" }),
    clock,
    access: {
      host: "127.0.0.1",
      allowedHosts: [],
      adminEnabled: true,
      corsOrigins: [],
      metricsEnabled: true,
      metricsPublic: false,
      ...options.access,
    },
    limits: {
      bodyBytes: 2_097_152,
      streams: 10_000,
      streamsPerSession: 1_000,
      requestTimeoutMs: 5_000,
      keepAliveMs: 15_000,
      ...options.limits,
    },
    version: { version: "1.2.3", commit: "abc", build_date: "2026-01-01", variant: "core" },
    workerId: "test",
    health: async () => ({ status: "healthy", checks: {} }),
    readiness: async () => ({
      status: "ok",
      workspace_hash: "f".repeat(64),
      checks: {
        store: { ok: true, durability: "synced" },
        agents: { loaded: 1, invalid: 0 },
        gateways: { ready: 0, failed: 0 },
      },
    }),
    doctor: async () => ({ status: "ok" }),
    reload: async () => catalog.reload(),
    shutdown: () => "started",
    ...options.http,
  });
  const listener = await listen(surface, {
    tcp: { host: "127.0.0.1", port: 0 },
    socketPath: options.socketPath,
    maxConnections: options.maxConnections ?? 1_000,
    clock,
    log,
  });
  test.after(() => listener.close("test over", 0));
  const port = listener.port ?? 0;
  return { ...running, surface, listener, port, url: `http://127.0.0.1:${port}` };
}

export type Asked = { port: number } | { socketPath: string };
export type Question = {
  method?: string;
  path: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
  json?: unknown;
};
export type Told = { status: number; headers: IncomingHttpHeaders; text: string; json: ReturnType<typeof JSON.parse> };

/** One request on a connection of its own, exactly as written: nothing is normalised or added but `Host`. */
export async function ask(place: Asked, question: Question): Promise<Told> {
  const incoming = await openRequest(place, question);
  let text = "";
  incoming.setEncoding("utf8");
  for await (const chunk of incoming) text += chunk;
  const isJson =
    /json/.test(incoming.headers["content-type"] ?? "") && !/jsonl/.test(incoming.headers["content-type"] ?? "");
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    json: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
}

export function openRequest(
  place: Asked,
  { method, path, headers = {}, body, json }: Question,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const content = json === undefined ? body : JSON.stringify(json);
  const type = json === undefined ? {} : { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      ...place,
      agent: false,
      method: method ?? (content === undefined ? "GET" : "POST"),
      path,
      headers: {
        ...type,
        ...(content === undefined ? {} : { "content-length": Buffer.byteLength(content) }),
        ...headers,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    outgoing.end(content);
  });
}

export type Streamed = {
  status: number;
  headers: IncomingHttpHeaders;
  /** Everything that has come so far. */
  text(): string;
  /** Resolves once what has come holds this; rejects when the stream ends, or 5 s pass, without it. */
  until(part: string | RegExp): Promise<string>;
  /** Resolves with everything when the server has ended the stream. */
  ended(): Promise<string>;
  close(): void;
};

/** A stream as it comes, byte for byte. */
export async function openStream(place: Asked, question: Question): Promise<Streamed> {
  const hangUp = new AbortController();
  const incoming = await openRequest(place, question, hangUp.signal);
  let text = "";
  let over: "open" | "ended" | "cut" = "open";
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const one of waiting) one();
  };
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  incoming.on("end", () => {
    over = "ended";
    wake();
  });
  incoming.on("error", () => {
    over = "cut";
    wake();
  });
  const when = (isSo: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (isSo()) finish(() => resolve(text));
        else if (over !== "open") finish(() => reject(new Error(`the stream has ${over}; it said ${text}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`did not come in 5 s; the stream said ${text}`))),
        5_000,
      );
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        waiting.delete(look);
        settle();
      };
      waiting.add(look);
      look();
    });
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text: () => text,
    until: (part) => when(() => (typeof part === "string" ? text.includes(part) : part.test(text))),
    ended: () => when(() => over === "ended"),
    close: () => hangUp.abort(),
  };
}
