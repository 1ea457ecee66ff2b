import type { ArtifactBody, ArtifactListBody } from "../../schema/api/artifact.ts";
import type { Requests } from "../request.ts";

export type ListArtifacts = {
  prefix?: string | undefined;
  limit?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
};

/** Bytes from `start` up to, but without, `end`. */
export type GetArtifact = { range?: { start: number; end?: number }; signal?: AbortSignal | undefined };

/** The bytes as they come; a connection that breaks, or content that is not what was stored, ends them with an error. */
export type ArtifactContent = {
  contentType: string;
  /** The SHA-256 of the whole, hex. */
  sha256: string;
  body: AsyncIterable<Uint8Array>;
};

/** Without `contentType` the server guesses by the name. */
export type PutArtifact = { contentType?: string | undefined; signal?: AbortSignal | undefined };

const artifacts = (agent: string, name?: string): string =>
  `/api/v1/agents/${encodeURIComponent(agent)}/artifacts${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;

const rangeOf = ({ start, end }: { start: number; end?: number }): string =>
  `bytes=${start}-${end === undefined ? "" : end - 1}`;

/** Files that agents and their users keep. */
export const artifactCalls = (requests: Requests) => ({
  listArtifacts: (agent: string, query: ListArtifacts = {}): Promise<ArtifactListBody> =>
    requests.json({ method: "GET", path: artifacts(agent), query }),

  async getArtifact(agent: string, name: string, { range, signal }: GetArtifact = {}): Promise<ArtifactContent> {
    const headers: Record<string, string> = range === undefined ? {} : { range: rangeOf(range) };
    const { header, body } = await requests.open({ method: "GET", path: artifacts(agent, name), headers, signal });
    return {
      contentType: header("content-type") ?? "application/octet-stream",
      sha256: (header("etag") ?? "").replaceAll('"', ""),
      body,
    };
  },

  /** Another of that name is replaced. A stream is sent as it comes. */
  putArtifact: (
    agent: string,
    name: string,
    content: string | Uint8Array | AsyncIterable<Uint8Array>,
    { contentType, signal }: PutArtifact = {},
  ): Promise<ArtifactBody> =>
    requests.json({ method: "PUT", path: artifacts(agent, name), upload: { media: contentType, content }, signal }),
});
