import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/**
 * An empty folder of its own for one test, gone with all in it when the test has ended.
 * The path is absolute and free of symbolic links, so that paths computed from it compare equal.
 */
export async function temporaryFolder(test: Pick<TestContext, "after">): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), "duragent-test-"));
  // Retries: a process that was just killed may still be writing its last file.
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return folder;
}

/** For code that has no test context, e.g. a property run: `await using folder = await disposableFolder()`. */
export async function disposableFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(await realpath(tmpdir()), "duragent-test-"));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  };
}
