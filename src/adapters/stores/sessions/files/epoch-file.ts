import { z } from "zod";

import type { FileSystem } from "../../../../ports/file-system.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import { isMissing } from "../../../error-code.ts";

const uncleanMax = 1000;

const epochSchema = z.object({
  epoch: z.int().min(0),
  /** The start with this epoch has ended as it should. */
  clean: z.boolean(),
  /** Epochs of starts that ended otherwise, the newest 1,000. */
  unclean: z.array(z.int().min(0)),
});

type EpochRecord = z.infer<typeof epochSchema>;

/** The epoch of this start: a counter in the data directory, raised and synced each time. */
export class StoreEpoch {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #own = new Set<number>();
  readonly #unclean: Set<number>;
  #record: EpochRecord;

  private constructor(fs: FileSystem, path: string, record: EpochRecord) {
    this.#fs = fs;
    this.#path = path;
    this.#record = record;
    this.#own.add(record.epoch);
    this.#unclean = new Set(record.unclean);
  }

  static async raise(fs: FileSystem, path: string): Promise<StoreEpoch> {
    const before = await readEpoch(fs, path);
    const unclean = before.epoch > 0 && !before.clean ? [...before.unclean, before.epoch] : before.unclean;
    const epoch = new StoreEpoch(fs, path, {
      epoch: before.epoch + 1,
      clean: false,
      unclean: unclean.slice(-uncleanMax),
    });
    await epoch.#write();
    return epoch;
  }

  get current(): number {
    return this.#record.epoch;
  }

  /** Who wrote the last decision or outcome of a log, seen from this start. */
  previousHolder(lastEpoch: number): "none" | "self" | "released" | "lost" {
    if (lastEpoch === 0) return "none";
    if (this.#own.has(lastEpoch)) return "self";
    const forgotten = this.#unclean.size >= uncleanMax && lastEpoch < Math.min(...this.#unclean);
    return forgotten || this.#unclean.has(lastEpoch) || lastEpoch > this.current ? "lost" : "released";
  }

  /** A log holds a higher epoch (the counter's file was lost or put back): leases must stay above it. */
  async raiseAbove(epoch: number): Promise<void> {
    if (epoch < this.current || this.#own.has(epoch)) return;
    this.#record = { ...this.#record, epoch: epoch + 1, unclean: [...this.#record.unclean, epoch].slice(-uncleanMax) };
    this.#own.add(epoch + 1);
    this.#unclean.add(epoch);
    await this.#write();
  }

  async recordCleanShutdown(): Promise<void> {
    this.#record = { ...this.#record, clean: true };
    await this.#write();
  }

  async #write(): Promise<void> {
    await this.#fs.replace(this.#path, Buffer.from(`${JSON.stringify(this.#record)}\n`), { sync: true });
  }
}

async function readEpoch(fs: FileSystem, path: string): Promise<EpochRecord> {
  let text: string;
  try {
    text = Buffer.from(await fs.readFile(path)).toString("utf8");
  } catch (error) {
    if (isMissing(error)) return { epoch: 0, clean: true, unclean: [] };
    throw error;
  }
  const parsed = epochSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new DuragentError(
    "storage-failed",
    `${path} is not what a server writes there; remove it, and the next start counts on from the highest epoch it finds in a log`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
