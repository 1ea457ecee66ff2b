import type { Hidden } from "./system-view.ts";

export type SandboxOptions = {
  mode: "auto" | "bubblewrap" | "none";
  /** Whether commands inside reach the network, this machine's own addresses included. */
  network: boolean;
  /** The server's: what PATH and HOME name, and how its service manager is reached. */
  env: NodeJS.ProcessEnv;
  /** The data directory, the configuration's folder, files with keys. */
  hidden: Hidden;
  /** /run/systemd/system; another one in tests. */
  systemdFolder?: string;
  /** Whether commands are started by the superuser: this process is what counts, if it is not said. */
  isRoot?: boolean;
};
