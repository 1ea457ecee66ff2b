import { z } from "zod";

import { placeFault, refused, type Arguments, type Method, type Result } from "./methods.ts";
import type { Workspace } from "./workspace.ts";

type Upload = { readonly name: string; readonly length: number; bytes?: Buffer };

const filesSchema = z.array(z.strictObject({ id: z.string(), title: z.string().optional() })).min(1);

/** Files come in three steps: an address is asked for, the bytes are sent there, and then it is said where they belong. */
export class Uploads {
  readonly #uploads = new Map<string, Upload>();
  readonly methods: Readonly<Record<string, Method>>;

  constructor(urlOf: (id: string) => string) {
    this.methods = {
      "files.getUploadURLExternal": {
        needs: ["filename", "length"],
        takes: ["alt_txt", "snippet_type"],
        call: ({ filename = "", length = "" }, workspace) => {
          if (!/^[1-9]\d*$/.test(length)) return refused("invalid_arguments", "length is no number of bytes");
          const id = workspace.next("F");
          this.#uploads.set(id, { name: filename, length: Number(length) });
          return { ok: true, upload_url: urlOf(id), file_id: id };
        },
      },
      "files.completeUploadExternal": {
        needs: ["files"],
        takes: ["channel_id", "thread_ts", "initial_comment", "blocks"],
        call: (given, workspace) => this.#complete(given, workspace),
      },
    };
  }

  /** Whether these are the bytes that were announced. */
  take(id: string, bytes: Buffer): boolean {
    const upload = this.#uploads.get(id);
    if (upload?.length !== bytes.length) return false;
    upload.bytes = bytes;
    return true;
  }

  #complete(given: Arguments, workspace: Workspace): Result {
    const { files = "", channel_id: channel = "", initial_comment: comment = "", thread_ts: threadTs } = given;
    const fault = placeFault(given, workspace);
    if (fault) return fault;
    const named = filesSchema.parse(JSON.parse(files));
    for (const { id } of named) {
      const upload = this.#uploads.get(id);
      if (!upload?.bytes) return refused("file_not_found");
      workspace.files.push({ channel, name: upload.name, bytes: upload.bytes, comment, threadTs });
      this.#uploads.delete(id);
    }
    workspace.changed();
    return { ok: true, files: named };
  }
}
