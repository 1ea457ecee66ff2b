import { open, readFile, rename, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

/** The newest are remembered. */
export const requestsMax = 1_000;
/** Lines of the file before it is written anew. */
const linesMax = 4 * requestsMax;

/** What is known of one request: the ids of its parts that the platform took, and, once all did, the answer. */
export type SentRequest = { readonly parts: readonly string[]; readonly done?: { readonly messageId?: string } };

const lineSchema = z.object({
  request_id: z.string(),
  parts: z.array(z.string()).default([]),
  done: z.boolean().default(false),
  message_id: z.string().optional(),
});

/**
 * Which requests have been carried out: one that comes a second time, because the core was not there to hear the answer, is
 * not carried out again. In `sent.jsonl`, where each line adds to what earlier ones say; without a folder in memory only.
 * What is written survives a `kill -9` at every moment, not a loss of power.
 */
export class SentRequests {
  readonly #requests = new Map<string, SentRequest>();
  readonly #path: string | undefined;
  readonly #onFailure: (error: unknown) => void;
  #file: FileHandle | undefined;
  #lines = 0;
  /** Writes happen one after another. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string | undefined, onFailure: (error: unknown) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
  }

  /** `onFailure`: the file can not be read or written; what it would have held is remembered in memory. */
  static async open(folder: string | undefined, onFailure: (error: unknown) => void): Promise<SentRequests> {
    const sent = new SentRequests(folder === undefined ? undefined : join(folder, "sent.jsonl"), onFailure);
    await sent.#load();
    return sent;
  }

  of(requestId: string): SentRequest | undefined {
    return this.#requests.get(requestId);
  }

  /** Resolves when a `kill -9` can not make it forgotten. Never rejects. */
  part(requestId: string, messageId: string): Promise<void> {
    return this.#note({ request_id: requestId, parts: [messageId], done: false });
  }

  /** The same for the whole request. */
  done(requestId: string, messageId: string | undefined): Promise<void> {
    return this.#note({ request_id: requestId, parts: [], done: true, message_id: messageId });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #load(): Promise<void> {
    if (this.#path === undefined) return;
    try {
      for (const line of (await readFile(this.#path, "utf8")).split("\n")) {
        const parsed = lineSchema.safeParse(objectOf(line));
        // Torn by a kill, or empty: what it said is done again.
        if (parsed.success) this.#take(parsed.data);
      }
    } catch (error) {
      if (!isNotFound(error)) return this.#fail(error);
    }
    // Also so that no new line is glued to a torn one.
    await this.#queue(() => this.#rewrite());
  }

  #take({ request_id, parts, done, message_id }: z.infer<typeof lineSchema>): void {
    const known = this.#requests.get(request_id);
    const answer = done ? { ...(message_id !== undefined && { messageId: message_id }) } : known?.done;
    this.#requests.delete(request_id);
    this.#requests.set(request_id, {
      parts: [...(known?.parts ?? []), ...parts],
      ...(answer !== undefined && { done: answer }),
    });
    for (const oldest of this.#requests.keys()) {
      if (this.#requests.size <= requestsMax) break;
      this.#requests.delete(oldest);
    }
  }

  #note(line: z.infer<typeof lineSchema>): Promise<void> {
    this.#take(line);
    return this.#queue(async () => {
      if (this.#lines >= linesMax) return this.#rewrite();
      await this.#file?.appendFile(`${JSON.stringify(line)}\n`);
      this.#lines += 1;
    });
  }

  #queue(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(write).catch((error: unknown) => this.#fail(error));
    return this.#writing;
  }

  /** In one step for whoever reads it: the new file takes the place of the old. */
  async #rewrite(): Promise<void> {
    if (this.#path === undefined) return;
    const lines = [...this.#requests].map(([request_id, { parts, done }]) =>
      JSON.stringify({ request_id, parts, done: done !== undefined, message_id: done?.messageId }),
    );
    const file = await open(`${this.#path}.new`, "w", 0o600);
    try {
      await file.appendFile(lines.map((line) => `${line}\n`).join(""));
      await rename(`${this.#path}.new`, this.#path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
    this.#lines = lines.length;
  }

  #fail(error: unknown): void {
    // The file may end in half a line now, or there is none: the next write makes it anew.
    this.#lines = linesMax;
    this.#onFailure(error);
  }
}

function objectOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // No JSON: the schema refuses it.
    return undefined;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
