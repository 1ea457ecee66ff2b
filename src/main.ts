/** Runs one command line (without the interpreter and the script) and answers with the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    const { programVersion } = await import("./surfaces/cli/version.ts");
    process.stdout.write(`${programVersion()}\n`);
    return 0;
  }
  const [{ runProgram }, { processContext }] = await Promise.all([
    import("./surfaces/cli/program.ts"),
    import("./app/process-context.ts"),
  ]);
  return runProgram(argv, processContext());
}
