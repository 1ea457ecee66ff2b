import { readdir, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import { isWithin } from "../is-within.ts";

/** Where the system's programs and libraries are. On most systems all but the first are links into it. */
const roots = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/** Of /etc what names, certificates, the loader and the languages need; what may hold a key or a token is not among it. */
const settings = `
  resolv.conf hosts host.conf nsswitch.conf gai.conf protocols services
  passwd group shells login.defs localtime timezone locale.alias locale.conf os-release debian_version alpine-release
  ld.so.cache ld.so.conf ld.so.conf.d alternatives mime.types magic terminfo inputrc fonts perl crypto-policies
  ssl/certs ssl/openssl.cnf ca-certificates ca-certificates.conf
  pki/tls/certs pki/tls/cert.pem pki/tls/openssl.cnf pki/ca-trust`
  .trim()
  .split(/\s+/);
const settingsNamed = /^(python\d|java|php\d?$|ruby)/;

/** Of /proc: owned by root, so writable for a server that runs as root, whatever else it may not do (`sys`, `sysrq-trigger` …). */
const procReadOnly = ["sys", "sysrq-trigger", "irq", "bus", "fs"];
const procHiddenFiles = ["kcore", "keys", "latency_stats", "timer_list", "sched_debug", "kallsyms", "kmsg", "mtrr"];
const procHiddenFolders = ["acpi", "scsi", "asound"];

/** Folders without which no program would run: never hidden. */
const needed = ["bin", "sbin", "lib", "lib64", "libexec", "share", "local/bin", "local/lib", "local/share"].map(
  (name) => `/usr/${name}`,
);

/** Absolute paths that no command sees, whatever they lie in. */
export type Hidden = {
  folders: readonly string[];
  files: readonly string[];
  /** Never shown themselves, but programs of PATH may lie in them: home directories, a project's folder. */
  holders: readonly string[];
};

export type SystemView = {
  /** Arguments for bwrap: the system, read-only, without what is hidden in it. */
  args: readonly string[];
  isSeen(path: string): boolean;
};

/** The part of this machine that is the same for every command. Looked at once. */
export async function systemView(hidden: Hidden): Promise<SystemView> {
  const shown: string[] = [];
  const args: string[] = [];
  for (const root of roots) {
    const link = await readlink(root).catch(() => null);
    if (link !== null) args.push("--symlink", link, root);
    else if (await exists(root)) {
      args.push("--ro-bind", root, root);
      shown.push(root);
    }
  }
  const links = args.flatMap((arg, index) => (arg === "--symlink" ? [args[index + 2] ?? ""] : []));
  const inSystem = (path: string): boolean => shown.some((root) => isWithin(root, path));
  const folders = [...hidden.folders, ...hidden.holders].filter(
    (path) => inSystem(path) && !needed.some((one) => isWithin(path, one)),
  );
  for (const folder of folders) if (await exists(folder)) args.push("--tmpfs", folder);
  for (const file of hidden.files.filter((path) => inSystem(path) && !folders.some((one) => isWithin(one, path))))
    if (await exists(file)) args.push("--ro-bind", "/dev/null", file);
  args.push(...(await settingsShown()), ...(await procCovered()));
  return {
    args,
    isSeen: (path) => {
      if (folders.some((folder) => isWithin(folder, path))) return false;
      return inSystem(path) || links.some((link) => isWithin(link, path));
    },
  };
}

async function settingsShown(): Promise<string[]> {
  const named = (await readdir("/etc").catch(() => [])).filter((name) => settingsNamed.test(name));
  const found = await Promise.all(
    [...settings, ...named].map(async (name) => {
      const path = join("/etc", name);
      // A link, as resolv.conf often is, leads to where nothing is inside.
      const real = await realpath(path).catch(() => null);
      return real === null ? [] : ["--ro-bind", real, path];
    }),
  );
  return found.flat();
}

async function procCovered(): Promise<string[]> {
  const present = async (names: readonly string[]) => {
    const found = await Promise.all(names.map((name) => exists(`/proc/${name}`)));
    return names.filter((_, index) => found[index]).map((name) => `/proc/${name}`);
  };
  const [readOnly, files, folders] = await Promise.all([procReadOnly, procHiddenFiles, procHiddenFolders].map(present));
  return [
    "--proc",
    "/proc",
    ...(readOnly ?? []).flatMap((path) => ["--ro-bind", path, path]),
    ...(files ?? []).flatMap((path) => ["--ro-bind", "/dev/null", path]),
    ...(folders ?? []).flatMap((path) => ["--tmpfs", path, "--remount-ro", path]),
  ];
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
