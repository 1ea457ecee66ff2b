import type { ToolResult } from "../../../schema/session-event.ts";
import { errorCode } from "../../error-code.ts";
import { errorResult } from "../define-tool.ts";

const meanings: Readonly<Record<string, string>> = {
  ENOENT: "is not there; list_files shows what is",
  ENOTDIR: "is not there: a part of the path is a file; list_files shows what is there",
  EISDIR: "is a folder; list_files shows what is in it",
  ELOOP: "is, or has on its way, a symbolic link, which is not followed here",
  EACCES: "may not be opened: its mode does not allow it",
  EPERM: "may not be changed: the file system does not allow it",
  EROFS: "may not be changed: it lies on a read-only file system",
  ENAMETOOLONG: "has too long a name; choose a shorter one",
  ENOSPC: "could not be written: there is no space left on the disk",
  EDQUOT: "could not be written: the disk quota is used up",
  EFBIG: "could not be written: it would be too large",
  EMFILE: "could not be opened: too many files are open; try again later",
};

/** Runs a file tool: what the disk refuses becomes a result. `shown`: the path as the model knows it. */
export async function answered(shown: string, run: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await run();
  } catch (error) {
    const meaning = meanings[errorCode(error) ?? ""];
    if (meaning !== undefined) return errorResult(`${shown} ${meaning}.`);
    if (error instanceof Error && "syscall" in error) return errorResult(`${shown}: ${error.message}`);
    throw error;
  }
}
