import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

import { DuragentError } from "../schema/problem.ts";

/** All files of an agent, by path inside its folder. */
export type AgentArchive = {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths of files that may be run. */
  readonly executable: ReadonlySet<string>;
};

/** Nothing beyond these is unpacked; `depthMax` counts folders inside folders. */
export type ArchiveLimits = { readonly bytesMax: number; readonly filesMax: number; readonly depthMax: number };

const ownerMayRun = 0o100;
/** Headers and padding of an entry, long names included. */
const overheadBytes = 4_096;

/** An agent as it travels: a tar in gzip, its files in one folder of the agent's name. Equal agents give equal bytes. */
export async function packAgent(name: string, { files, executable }: AgentArchive): Promise<Uint8Array> {
  const { packTar } = await import("modern-tar");
  const entries = [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, bytes]) => ({
      header: {
        name: `${name}/${path}`,
        size: bytes.length,
        mtime: new Date(0),
        mode: executable.has(path) ? 0o755 : 0o644,
        type: "file" as const,
      },
      body: bytes,
    }));
  return promisify(gzip)(await packTar(entries));
}

/**
 * The files of such an archive, whoever made it: in one folder, or with agent.yaml at its top. Throws `bad-request` for
 * what is no archive, `too-large` past the limits, `unprocessable` for links, devices and paths that lead out.
 */
export async function unpackAgent(archive: Uint8Array, limits: ArchiveLimits): Promise<AgentArchive> {
  const tar = await unzipped(archive, limits);
  const { unpackTar } = await import("modern-tar");
  const files = new Map<string, Uint8Array>();
  const executable = new Set<string>();
  const errors: { path: string; message: string }[] = [];
  let bytes = 0;
  for (const { header, data } of await unpackTar(tar).catch(refuse)) {
    const path = header.name
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
    const problem = entryProblem(header, path, limits.depthMax) ?? (files.has(path) ? "stands there twice" : null);
    if (problem !== null) errors.push({ path: header.name.slice(0, 200), message: problem });
    else if (header.type !== "directory") {
      bytes += data?.length ?? 0;
      files.set(path, data ?? new Uint8Array());
      if (((header.mode ?? 0) & ownerMayRun) !== 0) executable.add(path);
    }
    if (bytes > limits.bytesMax || files.size > limits.filesMax) throw tooLarge(limits);
  }
  for (const path of files.keys()) {
    if (foldersOf(path).some((folder) => files.has(folder))) errors.push({ path, message: "lies inside a file" });
  }
  const [first] = errors;
  if (first === undefined) return withoutTopFolder({ files, executable });
  throw new DuragentError("unprocessable", `the package is not one of an agent: ${first.path} ${first.message}`, {
    errors: errors.slice(0, 100),
  });
}

async function unzipped(archive: Uint8Array, limits: ArchiveLimits): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(archive, {
      maxOutputLength: limits.bytesMax + limits.filesMax * overheadBytes,
    });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(limits);
    throw new DuragentError("bad-request", "The package can not be read: it is not a whole gzip file.", {
      cause: error,
    });
  }
}

function refuse(cause: unknown): never {
  throw new DuragentError("bad-request", "The package can not be read: it holds no whole tar archive.", { cause });
}

const tooLarge = ({ bytesMax, filesMax }: ArchiveLimits): DuragentError =>
  new DuragentError("too-large", `The package holds more than ${bytesMax} bytes or ${filesMax} files.`);

// Only these come out of a package: a link or a device could make a later file land, or be read, somewhere else.
function entryProblem(
  { name, type = "file" }: { name: string; type?: string },
  path: string,
  depthMax: number,
): string | null {
  if (type !== "file" && type !== "directory") return `is a ${type}; only files and folders are taken`;
  const parts = path.split("/");
  // oxlint-disable-next-line no-control-regex -- names with control characters are what is looked for
  if (name.startsWith("/") || parts.includes("..") || /[\\\u0000-\u001f\u007f]/.test(name))
    return "is no path inside a package";
  if (parts.length > depthMax + 2) return `lies more than ${depthMax} folders deep`;
  return parts.some((part) => Buffer.byteLength(part) > 255) ? "has a name longer than 255 bytes" : null;
}

const foldersOf = (path: string): string[] =>
  path
    .split("/")
    .slice(0, -1)
    .map((_part, index, parts) => parts.slice(0, index + 1).join("/"));

/** `demo/agent.yaml` is agent.yaml where `demo` is all there is; what other systems leave beside it (`._demo`) aside. */
function withoutTopFolder({ files, executable }: AgentArchive): AgentArchive {
  const visible = [...files.keys()].filter((path) => !path.startsWith("."));
  const [top = ""] = visible[0]?.split("/") ?? [];
  const prefix = `${top}/`;
  if (files.has("agent.yaml") || visible.length === 0 || !visible.every((path) => path.startsWith(prefix))) {
    return { files, executable };
  }
  const inside = (path: string): string[] => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []);
  return {
    files: new Map([...files].flatMap(([path, bytes]) => inside(path).map((name) => [name, bytes] as const))),
    executable: new Set([...executable].flatMap(inside)),
  };
}
