import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Before anything touches the thread pool: a sync of one session must not wait for those of others.
process.env["UV_THREADPOOL_SIZE"] ??= "16";

/** Runs one command line (without the interpreter and the script) and answers with the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    const { programVersion } = await import("./surfaces/cli/version.ts");
    process.stdout.write(`${programVersion()}\n`);
    return 0;
  }
  // Stripping and compiling is half of a start. Node's default place, under the temporary directory, is one that
  // another user of the machine could have made first.
  enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "duragent"));
  const [{ runProgram }, { processContext }] = await Promise.all([
    import("./surfaces/cli/program.ts"),
    import("./app/process-context.ts"),
  ]);
  return runProgram(argv, processContext());
}

if (import.meta.main) {
  // Not process.exit(): what is still in the pipes to stdout and stderr would be cut.
  process.exitCode = await run(process.argv.slice(2));
}
