import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** sun_path holds 108 bytes on Linux and 104 on macOS, its NUL included; some margin for both. */
const pathBytesMax = 100;

/** Lower-case hex SHA-256 of a canonical path. */
export const hashOfPath = (path: string): string => createHash("sha256").update(path).digest("hex");

/**
 * Where the server of a data directory listens for the local command line: in it, or where the path would be too long in
 * $XDG_RUNTIME_DIR, else in a folder under the temporary directory that only its user can enter.
 */
export async function socketPathFor(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const inside = join(dataDir, "server.sock");
  if (Buffer.byteLength(inside) <= pathBytesMax) return inside;
  const name = `duragent-${hashOfPath(dataDir).slice(0, 16)}.sock`;
  const runtimeDir = env["XDG_RUNTIME_DIR"] ?? "";
  if (runtimeDir !== "" && Buffer.byteLength(join(runtimeDir, name)) <= pathBytesMax) return join(runtimeDir, name);
  return join(await privateTemporaryFolder(), name);
}

async function privateTemporaryFolder(): Promise<string> {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `duragent-${uid}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  // Anyone can make this name first; only one of ours that nobody else can enter will do.
  if (stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0) return folder;
  return mkdtemp(join(tmpdir(), "duragent-"));
}
