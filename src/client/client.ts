import { agentCalls, type ChangeAgent } from "./calls/agents.ts";
import { artifactCalls, type GetArtifact, type ListArtifacts, type PutArtifact } from "./calls/artifacts.ts";
import { gatewayCalls } from "./calls/gateways.ts";
import { memoryCalls, type QueryMemory } from "./calls/memory.ts";
import { serverCalls } from "./calls/server.ts";
import { sessionCalls, type ListSessions, type NewSession } from "./calls/sessions.ts";
import { turnCalls, type ApprovalOutcome, type MessageOutcome } from "./calls/turns.ts";
import { fetchTransport } from "./fetch-transport.ts";
import type { FollowOptions } from "./follow.ts";
import { nodeTransport } from "./node-transport.ts";
import { Requests } from "./request.ts";
import type { FollowEvent, TurnEvent } from "./stream-events.ts";
import type { Transport } from "./transport.ts";

export type {
  ApprovalOutcome,
  ChangeAgent,
  FollowEvent,
  FollowOptions,
  GetArtifact,
  ListArtifacts,
  ListSessions,
  MessageOutcome,
  NewSession,
  PutArtifact,
  QueryMemory,
  TurnEvent,
};

/** Where the server is: a URL, or the unix socket of a local one. `fetch`: used instead of the platform's own means. */
export type ClientOptions = ({ baseUrl: string } | { socketPath: string }) & {
  token?: string | undefined;
  fetch?: typeof fetch | undefined;
};

/** A client of the HTTP API, one method for each route. Throws `ApiProblem` when refused, `ServerUnreachable` when unanswered. */
export type Client = ReturnType<typeof clientOver>;

// One file of calls for each group of routes.
const clientOver = (requests: Requests) => ({
  ...serverCalls(requests),
  ...agentCalls(requests),
  ...artifactCalls(requests),
  ...memoryCalls(requests),
  ...gatewayCalls(requests),
  ...sessionCalls(requests),
  ...turnCalls(requests),
});

/** A client of the server at a URL or a unix socket. Opens nothing until the first request. */
export function createClient(options: ClientOptions): Client {
  return clientOver(new Requests(transportTo(options), options.token));
}

function transportTo(options: ClientOptions): Transport {
  if (options.fetch === undefined && isNode()) return nodeTransport(options);
  if (!("baseUrl" in options))
    throw new TypeError("a unix socket can be reached in Node only, without a fetch of your own");
  return fetchTransport(options.baseUrl, options.fetch ?? globalThis.fetch.bind(globalThis));
}

function isNode(): boolean {
  return typeof process === "object" && typeof process.versions?.node === "string";
}
