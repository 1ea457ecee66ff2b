import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";

const module = new URL("../../src/app/process-lifetime.ts", import.meta.url).href;

/** What a process with a server in it would do, ended by `last`. */
function endedBy(last: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const program = `
    import { followProcess } from ${JSON.stringify(module)};
    setInterval(() => {}, 1000);
    followProcess({
      log: { error: (fields, message) => console.log("logged:", message) },
      exit: (code) => process.exit(code),
      onStop: (signal) => { console.log(signal); process.exit(0); },
      onReload: () => { console.log("reload"); process.kill(process.pid, "SIGTERM"); },
    });
    ${last}`;
  return new Promise((resolve) => {
    execFile(process.execPath, ["--input-type=module-typescript", "-e", program], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

for (const [what, last] of [
  ["a promise that nobody handles", "Promise.reject(new Error('broken invariant'));"],
  ["an exception that nobody catches", "setTimeout(() => { throw new Error('broken invariant'); });"],
] as const) {
  test(`${what} is logged and ends the process with 1`, async () => {
    const { code, stdout, stderr } = await endedBy(last);
    assert.equal(code, 1);
    assert.match(stdout, /logged: A defect in Duragent stops the server/);
    assert.match(stderr, /error: Error: broken invariant\n {4}at /);
  });
}

test("SIGHUP reads again, SIGTERM stops", async () => {
  const { code, stdout } = await endedBy("process.kill(process.pid, 'SIGHUP');");
  assert.equal(code, 0);
  assert.equal(stdout, "reload\nSIGTERM\n");
});
