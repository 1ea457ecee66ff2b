import type { FileHandle, FileSystem } from "../../ports/file-system.ts";
import type { Metrics } from "../../ports/telemetry.ts";

/** A file system that counts its syncs and what fails; everything else is that of `files`. */
export function meteredFileSystem(files: FileSystem, metrics: Metrics): FileSystem {
  const count = errorCounter(metrics);
  return {
    open: async (path, mode) => meteredHandle(await files.open(path, mode), metrics),
    readFile: (path) => files.readFile(path),
    replace: (path, bytes, options) => count("replace", files.replace(path, bytes, options)),
    rename: (from, to) => count("rename", files.rename(from, to)),
    makeFolder: (path) => count("make-folder", files.makeFolder(path)),
    syncFolder: (path) => count("sync", files.syncFolder(path)),
    list: (path) => files.list(path),
    size: (path) => files.size(path),
    remove: (path) => count("remove", files.remove(path)),
  };
}

function meteredHandle(handle: FileHandle, metrics: Metrics): FileHandle {
  const count = errorCounter(metrics);
  return {
    path: handle.path,
    size: () => handle.size(),
    read: (offset, length) => handle.read(offset, length),
    write: (bytes, offset) => count("write", handle.write(bytes, offset)),
    truncate: (length) => count("truncate", handle.truncate(length)),
    sync: async () => {
      await count("sync", handle.sync());
      metrics.add("duragent_syncs_total");
    },
    close: () => handle.close(),
  };
}

// Of what only reads nothing is counted: that a file is not there is an answer, not a failure.
function errorCounter(metrics: Metrics) {
  return async <T>(operation: string, done: Promise<T>): Promise<T> => {
    try {
      return await done;
    } catch (error) {
      metrics.add("duragent_store_errors_total", { operation });
      throw error;
    }
  };
}
