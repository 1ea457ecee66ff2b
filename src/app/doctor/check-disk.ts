import { statfs } from "node:fs/promises";

import type { Check } from "../../surfaces/cli/ground.ts";

const mebibyte = 1024 * 1024;
const errorBelowBytes = 50 * mebibyte;
const warnBelowBytes = 1024 * mebibyte;

const inWords = (bytes: number): string =>
  bytes >= 10 * 1024 * mebibyte ? `${Math.round(bytes / mebibyte / 1024)} GiB` : `${Math.round(bytes / mebibyte)} MiB`;

/** Room for logs: below 1 GiB is a warning, below 50 MiB an error; likewise when inodes run out. */
export async function checkDisk(folder: string): Promise<Check[]> {
  const { bavail, bsize, files, ffree } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const remedy = `make room on the disk of ${folder}`;
  const message = `${inWords(freeBytes)} free for the data directory`;
  // Some file systems have no fixed number of inodes and report 0.
  if (files > 0 && ffree < 1000)
    return [{ status: "error", message: `only ${ffree} more files can be made on the data directory's disk`, remedy }];
  if (freeBytes < errorBelowBytes) return [{ status: "error", message, remedy }];
  if (freeBytes < warnBelowBytes) return [{ status: "warn", message, remedy }];
  return [{ status: "ok", message }];
}
