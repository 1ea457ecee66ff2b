import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";

import { minimalEnvironment } from "../../../src/adapters/processes/minimal-environment.ts";
import { modes, openGround } from "./command-ground.ts";

for (const mode of modes) {
  void suite(`a command (sandbox ${mode})`, { concurrency: 4 }, () => {
    void test("gives back what it wrote, in the order in which it came, and its exit code if it is not 0", async (t) => {
      const { sh, live } = await openGround(t, mode);
      const fine = await sh("echo one; echo two >&2; echo three");
      assert.deepEqual([fine.success, fine.outcome], [true, "ok"]);
      assert.deepEqual(fine.content.split("\n").toSorted(), ["one", "three", "two"]);
      assert.equal(live.join(""), `${fine.content}\n`);
      const failed = await sh("echo no; exit 3");
      assert.deepEqual([failed.success, failed.outcome, failed.content], [false, "error", "Exit code 3.\nno"]);
      assert.equal((await sh("true")).content, "The command wrote nothing. Exit code 0.");
      assert.match((await sh("kill -9 $$")).content, /SIGKILL\.$/);
    });

    void test("that can not be found is a result that says so", async (t) => {
      const { sh } = await openGround(t, mode);
      const missing = await sh("", { argv: ["no-such-program", "a"] });
      assert.deepEqual([missing.success, missing.outcome], [false, "error"]);
      assert.match(missing.content, /no-such-program/);
      assert.match((await sh("nope")).content, /^Exit code 127: no such command or program\.\n.*command not found$/);
      assert.equal((await sh("", { argv: ["bash", "-c", "x".repeat(200_000)] })).outcome, "error");
    });

    void test("reads what is given as its input, and nothing where nothing is given", async (t) => {
      const { sh } = await openGround(t, mode);
      assert.equal((await sh("cat", { stdin: '{"a":"ä"}' })).content, '{"a":"ä"}');
      assert.equal((await sh("cat; echo end")).content, "end");
      assert.equal((await sh("exec <&-; echo done", { stdin: "x".repeat(1_000_000) })).content, "done");
    });

    void test("keeps characters whole that come in pieces, shows what is none, and passes escapes as text", async (t) => {
      const { sh, live } = await openGround(t, mode);
      const { content } = await sh("printf '\\xe2\\x82'; sleep 0.1; printf '\\xac|\\xff|\\033[31mred|\\xe2\\x82'");
      assert.equal(content, "€|\ufffd|\u001b[31mred|\ufffd");
      assert.equal(live.join(""), content);
    });

    void test("gets the few variables that it needs, its own and those of the call, and nothing of the server's", async (t) => {
      const secret = "sk-server-secret-1";
      const env = {
        ...process.env,
        ANTHROPIC_API_KEY: secret,
        DURAGENT_API_TOKEN: secret,
        AWS_SECRET_ACCESS_KEY: secret,
      };
      const { sh, workspace } = await openGround(t, mode, { env });
      const { content } = await sh("env; cat /proc/self/environ /proc/$PPID/environ | tr '\\0' '\\n'", {
        env: { MINE: "1" },
      });
      assert.doesNotMatch(content, new RegExp(secret));
      const names = new Set(content.split("\n").map((line) => line.split("=")[0] ?? ""));
      const expected =
        "DURAGENT_AGENT DURAGENT_CALL_ID DURAGENT_IDEMPOTENCY_KEY DURAGENT_RUN_ID DURAGENT_SESSION_ID MINE";
      const allowed = new Set([
        ...expected.split(" "),
        ...Object.keys(minimalEnvironment(env)),
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
        "TMPDIR",
        "HOME",
      ]);
      if (mode === "auto")
        assert.deepEqual(
          [...names].filter((name) => !allowed.has(name)),
          [],
        );
      for (const name of expected.split(" ")) assert.ok(names.has(name), name);
      assert.match(content, /^DURAGENT_CALL_ID=call_1$/m);
      if (mode === "auto") assert.match(content, new RegExp(`^HOME=${workspace}$`, "m"));
    });

    void test("keeps the beginning and the end of a long output, and the whole of it in an artifact", async (t) => {
      const { sh, stored } = await openGround(t, mode, { secrets: ["secret-in-output"] });
      const result = await sh("for i in $(seq 60000); do echo line $i ä secret-in-output; done");
      assert.equal(result.artifact, "outputs/session_0.7.call_1.txt");
      const whole = stored.get(result.artifact)?.toString() ?? "";
      const lines = whole.split("\n");
      assert.deepEqual([lines.length, lines[0], lines[59_999]], [60_001, "line 1 ä ***", "line 60000 ä ***"]);
      assert.match(result.content, /^line 1 ä \*\*\*\nline 2 ä /);
      assert.match(result.content, /line 60000 ä \*\*\*$/);
      assert.match(
        result.content,
        /\n\[… \d+ bytes left out; the whole is in the artifact outputs\/session_0\.7\.call_1\.txt …\]\n/,
      );
      assert.ok(Buffer.byteLength(result.content) <= 256 * 1024);
      assert.doesNotMatch(result.content, /\ufffd/);
    });

    void test("that fails after a long output, or runs out of time, says so before what it wrote", async (t) => {
      const { sh } = await openGround(t, mode);
      const failed = await sh("yes | head -c 400000; echo the end; exit 3");
      assert.match(failed.content, /^Exit code 3\.\ny\n/);
      assert.match(failed.content, /\nthe end$/);
      const late = await sh("yes | head -c 400000; sleep 600", { timeoutMs: 5_000 });
      assert.match(late.content, /^Timed out after 5 s and was stopped .*; it may have taken effect\.\ny\n/);
    });

    void test("that writes what is no text is said to, and its artifact has every byte but for secrets", async (t) => {
      const { sh, stored, types, live } = await openGround(t, mode, { secrets: ["secret-in-output"] });
      const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));
      for (const doublings of [2, 11]) {
        const times = 2 ** doublings;
        const print = `base64 -d <<<$all >x; for i in $(seq ${doublings}); do cat x x >y; mv y x; done; cat x`;
        live.length = 0;
        const given = { env: { all: Buffer.concat([every, Buffer.from("secret-in-output")]).toString("base64") } };
        const result = await sh(print, given);
        const name = "outputs/session_0.7.call_1.bin";
        const whole = Buffer.concat(Array.from({ length: times }, () => Buffer.concat([every, Buffer.from("***")])));
        assert.deepEqual([result.outcome, result.artifact], ["ok", name]);
        assert.equal(result.content, `[binary output, ${whole.length} bytes; the whole is in the artifact ${name}]`);
        assert.ok(stored.get(name)?.equals(whole));
        assert.equal(types.get(name), "application/octet-stream");
        assert.match(live.join(""), /^(?:\[binary output, \d+ bytes\]\n)+$/);
      }
    });

    void test("that writes into a slow store waits for it, and nothing is lost", async (t) => {
      let bytes = 0;
      const { sh } = await openGround(t, mode, {
        async put(_agent, name, content) {
          for await (const piece of content) {
            bytes += piece.length;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
          return { id: name, name, meta: { content_type: "", bytes, sha256: "", created_at: "" } };
        },
      });
      const result = await sh("yes | head -c 3000000");
      assert.equal(bytes, 3_000_000);
      assert.deepEqual(
        [result.outcome, result.details],
        ["ok", { exit_code: 0, signal: null, output_bytes: 3_000_000 }],
      );
    });

    void test("is not held up by a store that fails: the result says that the whole is lost", async (t) => {
      const put = () => Promise.reject(new Error("the disk is full"));
      const { sh, log } = await openGround(t, mode, { put });
      const result = await sh("yes | head -c 3000000");
      assert.equal(result.outcome, "ok");
      assert.match(result.content, /the whole could not be kept: the disk is full/);
      assert.equal(result.artifact, undefined);
      assert.match(log.map(({ message }) => message).join(), /could not be stored/);
    });

    void test("works in the workspace, which is made for it and closed to others", async (t) => {
      const { sh, workspace } = await openGround(t, mode);
      assert.equal((await sh("umask 077; pwd; echo a > file; stat -c %a .")).content, `${workspace}\n700`);
      assert.equal(await readFile(join(workspace, "file"), "utf8"), "a\n");
    });
  });
}
