import type { MemoryListBody, PutMemoryBody } from "../../schema/api/memory.ts";
import type { RequestOptions, Requests } from "../request.ts";

/** `q`: words that must all occur; `since`: a day as YYYY-MM-DD. */
export type QueryMemory = {
  q?: string | undefined;
  kind?: MemoryListBody["memories"][number]["kind"] | undefined;
  since?: string | undefined;
  limit?: number | undefined;
};

const memory = (agent: string, rest = ""): string => `/api/v1/agents/${encodeURIComponent(agent)}/memory${rest}`;

/** What agents remember. */
export const memoryCalls = (requests: Requests) => ({
  queryMemory: (agent: string, query: QueryMemory = {}): Promise<MemoryListBody> =>
    requests.json({ method: "GET", path: memory(agent), query }),

  /** The same `idempotencyKey` again changes nothing. */
  async putMemory(agent: string, body: PutMemoryBody, options: RequestOptions = {}): Promise<void> {
    await requests.text({ ...options, method: "POST", path: memory(agent), body });
  },

  /** A tar stream of Markdown files. */
  async exportMemory(agent: string): Promise<AsyncIterable<Uint8Array>> {
    return (await requests.open({ method: "GET", path: memory(agent, "/export") })).body;
  },
});
