import { execFile } from "node:child_process";

import type { ProgramStart } from "../../ports/sandbox.ts";

/** A kernel answers in milliseconds; something that hangs must not keep a server from starting. */
const probeTimeoutMs = 5000;

/** Runs a program for real. `null`: it did what it should; else the last line of what it said. */
export function faultOf({ argv: [program, ...args], cwd, env }: ProgramStart): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { cwd, env, timeout: probeTimeoutMs, killSignal: "SIGKILL" } as const;
    execFile(program, args, options, (error, _, stderr) => {
      if (error === null) return resolve(null);
      const said = stderr.trim().split("\n").at(-1) ?? "";
      resolve(said === "" ? (error.killed ? `no answer within ${probeTimeoutMs / 1000} s` : error.message) : said);
    });
  });
}
