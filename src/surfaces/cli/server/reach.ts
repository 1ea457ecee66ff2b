import { ApiProblem } from "../../../client/api-problem.ts";
import { createClient, type Client } from "../../../client/client.ts";
import { serverApi } from "./client-api.ts";
import type { Revive } from "./lost-server.ts";
import type { ServerApi } from "./api.ts";

/** A server that lives answers this in microseconds; one that was stopped (SIGSTOP) accepts and says nothing. */
const answerMsMax = 3_000;

export type Address = ({ socket: string } | { url: string }) & {
  token?: string | undefined;
  revive?: Revive | undefined;
};

/** `busy`: it answers, and is starting or on its way out. */
export type Reached = { kind: "ready" | "busy"; api: ServerApi } | { kind: "absent"; reason: string };

/** Whether a server answers at an address, and how to talk to it. */
export async function reach(address: Address): Promise<Reached> {
  const client: Client =
    "socket" in address
      ? createClient({ socketPath: address.socket })
      : createClient({ baseUrl: address.url, token: address.token });
  const api = serverApi(client, "socket" in address ? address.socket : address.url, address.revive);
  try {
    const { status } = await client.ready({ signal: AbortSignal.timeout(answerMsMax) });
    return { kind: status === "starting" || status === "draining" ? "busy" : "ready", api };
  } catch (error) {
    // 503 while it starts, drains or can not write; what it answers to a command says more than we could.
    if (error instanceof ApiProblem) return { kind: error.code === "shutting-down" ? "busy" : "ready", api };
    return { kind: "absent", reason: error instanceof Error ? error.message : String(error) };
  }
}
