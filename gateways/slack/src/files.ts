import type { WebClient } from "@slack/web-api";
import { z } from "zod";

/** Of one message; more stay without an address. */
const lookedUpMax = 10;
/** A message must not wait for a file for longer: it is handed over without its address. */
const lookupWaitMs = 5_000;

/** https://docs.slack.dev/reference/objects/file-object */
export const fileSchema = z.object({
  id: z.string().nullish(),
  name: z.string().nullish(),
  mimetype: z.string().nullish(),
  size: z.number().min(0).nullish(),
  subtype: z.string().nullish(),
  file_access: z.string().nullish(),
  url_private: z.url().nullish().catch(undefined),
  url_private_download: z.url().nullish().catch(undefined),
});
export type SlackFile = z.infer<typeof fileSchema>;

const answerSchema = z.object({ file: fileSchema });

/** What Slack says of files only when it is asked, by files.info (scope files:read): of those in channels shared with others. */
export class Files {
  readonly #web: WebClient;
  readonly #log: (message: string) => void;

  constructor(web: WebClient, log: (message: string) => void) {
    this.#web = web;
    this.#log = log;
  }

  /** The same files, in order; never rejects. */
  complete(files: readonly SlackFile[]): Promise<SlackFile[]> {
    return Promise.all(
      files.map(async (file, index) =>
        file.id && file.file_access === "check_file_info" && index < lookedUpMax
          ? ((await this.#lookUp(file.id)) ?? file)
          : file,
      ),
    );
  }

  async #lookUp(id: string): Promise<SlackFile | undefined> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no answer in ${lookupWaitMs / 1_000} s`)), lookupWaitMs);
    try {
      return answerSchema.parse(await Promise.race([this.#web.files.info({ file: id }), late])).file;
    } catch (error) {
      this.#log(`file ${id} is named only: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}
