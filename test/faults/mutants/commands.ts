import type { Mutant } from "../mutant.ts";

const ends = "src/adapters/processes/end-processes.ts";
const running = "src/adapters/processes/running-command.ts";
const output = "src/adapters/processes/command-output.ts";
const runner = "src/adapters/processes/command-runner.ts";
const start = "src/adapters/sandboxes/bubblewrap-start.ts";
const endTest = "test/adapters/processes/command-end.test.ts";
const runTest = "test/adapters/processes/command-runner.test.ts";
const killTest = "test/adapters/processes/killed-runner.test.ts";
const sandboxTest = "test/adapters/sandboxes/bubblewrap.test.ts";
const waysOutTest = "test/adapters/sandboxes/ways-out.test.ts";

/** Faults in how commands are held, watched and ended; each must turn its test red. */
export const commandMutants: readonly Mutant[] = [
  {
    name: "kills a command without its group",
    file: ends,
    find: `  send(-family.leader, "SIGKILL");
  if (family.sandboxed) return;
  for (const pid of await marked(family.mark)) send(pid, "SIGKILL");`,
    replace: `  send(family.leader, "SIGKILL");`,
    test: endTest,
  },
  {
    name: "does not look for what left the group",
    file: ends,
    find: `  for (const pid of await marked(family.mark)) send(pid, "SIGKILL");`,
    replace: "",
    test: endTest,
  },
  {
    name: "waits for a pipe that a grandchild holds",
    file: running,
    find: "    } else await within(closed, leftBehindGraceMs);",
    replace: "    } else await closed;",
    test: endTest,
    only: "left in the background",
  },
  {
    name: "lets a tool inherit the server's environment",
    file: runner,
    find: "  const environment = minimalEnvironment(parts.env);",
    replace: `  const environment = { ...minimalEnvironment({}) };
  for (const [name, value] of Object.entries(parts.env)) if (value !== undefined) environment[name] = value;`,
    test: runTest,
  },
  {
    name: "watches no group for the death of the server",
    file: runner,
    find: `parts.sandbox.kind === "none" ? watchdog.watch(started.pid, mark) : () => undefined`,
    replace: `parts.sandbox.kind === undefined ? watchdog.watch(started.pid, mark) : () => undefined`,
    test: killTest,
  },
  {
    name: "lets a sandbox outlive the server",
    file: start,
    find: `program.diesWithParent === false ? [] : ["--die-with-parent"]`,
    replace: `program.diesWithParent === false ? ["--die-with-parent"] : []`,
    test: killTest,
  },
  {
    name: "keeps all of an output in memory",
    file: output,
    find: "    this.#raw.add(bytes);",
    replace: "    this.#raw.add(bytes);\n    this.#head.push(Buffer.from(bytes));",
    test: killTest,
    only: "1 GB",
  },
  {
    name: "stores an output with the secrets in it",
    file: running,
    find: 'else add(redactor.push(bytes.toString("latin1")));',
    replace: 'else add(bytes.toString("latin1"));',
    test: runTest,
  },
  {
    name: "takes each piece of an output for whole characters",
    file: running,
    find: "isEnd ? bytes : wholeCharacters(bytes)",
    replace: "isEnd ? bytes : bytes.subarray(0)",
    test: runTest,
  },
  {
    name: "leaves the network to a sandbox",
    file: start,
    find: `...(network ? [] : ["--unshare-net"]),`,
    replace: "",
    test: sandboxTest,
  },
  {
    name: "leaves the settings of the kernel to the superuser in a sandbox",
    file: "src/adapters/sandboxes/system-view.ts",
    find: `const procReadOnly = ["sys", `,
    replace: "const procReadOnly = [",
    test: sandboxTest,
  },
  {
    name: "leaves the root of a sandbox writable",
    file: start,
    find: `, "--remount-ro", "/"], last)`,
    replace: "], last)",
    test: sandboxTest,
  },
  {
    name: "shows the whole of the system, whatever is hidden in it",
    file: "src/adapters/sandboxes/system-view.ts",
    find: `for (const folder of folders) if (await exists(folder)) args.push("--tmpfs", folder);`,
    replace: "",
    test: sandboxTest,
  },
  {
    name: "gives the data directory to a command instead of the workspace",
    file: start,
    find: `...writable.flatMap((path) => ["--bind", path, path]),`,
    replace: `...writable.flatMap((path) => ["--bind", \`\${path}/../..\`, \`\${path}/../..\`]),`,
    test: waysOutTest,
  },
  {
    name: "lets a command write what it may read",
    file: start,
    find: `...readable.flatMap((path) => ["--ro-bind-try", path, path]),`,
    replace: `...readable.flatMap((path) => ["--bind-try", path, path]),`,
    test: waysOutTest,
  },
  {
    name: "lets a tool's variables reach the loader of the sandbox",
    file: start,
    find: "entries.filter(([name]) => !loaderVariable.test(name))",
    replace: "entries",
    test: sandboxTest,
  },
];
