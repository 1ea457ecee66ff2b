import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";

import { openLog, type LogSettings } from "../../../src/adapters/logging/pino.ts";
import { redactor } from "../../../src/domain/redact.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

async function settings(t: TestContext): Promise<LogSettings & { file: string }> {
  const file = join(await temporaryFolder(t), "logs", "server.log");
  return { level: "info", format: "auto", file, redactor: redactor(["sk-secret-key"]) };
}

type Line = Record<string, unknown>;
const linesOf = async (file: string): Promise<Line[]> =>
  (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line): Line => JSON.parse(line));

test("a file gets one JSON object a line, readable by its owner only", async (t) => {
  const to = await settings(t);
  const log = await openLog(to);
  log.info({ session_id: "session_1" }, "a turn has ended");
  await log.close();
  const [line] = await linesOf(to.file);
  const { time, ...rest } = line!;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, { level: "info", session_id: "session_1", msg: "a turn has ended" });
  assert.equal((await stat(to.file)).mode & 0o777, 0o600);
});

test("what a child knows stands in each of its lines", async (t) => {
  const to = await settings(t);
  const log = await openLog(to);
  log.child({ session_id: "s" }).child({ turn_id: "t" }).warn({ attempt: 2 }, "again");
  await log.close();
  const [{ session_id, turn_id, attempt, level } = {}] = await linesOf(to.file);
  assert.deepEqual(
    { session_id, turn_id, attempt, level },
    { session_id: "s", turn_id: "t", attempt: 2, level: "warn" },
  );
});

test("no secret reaches the file: not in a message, a field, a key, an error or its causes", async (t) => {
  const to = await settings(t);
  const log = await openLog(to);
  const cause = Object.assign(new Error("refused: sk-secret-key"), { code: "E_sk-secret-key" });
  log.error(
    { err: new Error("key sk-secret-key is wrong", { cause }), "sk-secret-key": ["sk-secret-key"] },
    "=sk-secret-key",
  );
  await log.close();
  const text = await readFile(to.file, "utf8");
  assert.equal(text.includes("sk-secret-key"), false);
  const [line] = await linesOf(to.file);
  const err = line!["err"] as { message: string; stack: string; cause: { message: string; code: string } };
  assert.equal(err.message, "key *** is wrong");
  assert.match(err.stack, /^Error: key \*\*\* is wrong\n {4}at /);
  assert.deepEqual([err.cause.message, err.cause.code], ["refused: ***", "E_***"]);
});

test("an error that causes itself is logged", async (t) => {
  const to = await settings(t);
  const log = await openLog(to);
  const error = new Error("round");
  error.cause = error;
  log.error({ err: error }, "x");
  await log.close();
  assert.equal((await linesOf(to.file)).length, 1);
});

test("lines below the level are left out, and a child follows when the level changes", async (t) => {
  const to = await settings(t);
  const log = await openLog(to);
  const child = log.child({});
  child.debug({}, "one");
  await log.configure({ ...to, level: "debug" });
  child.debug({}, "two");
  await log.configure({ ...to, level: "silent" });
  child.error({}, "three");
  await log.close();
  assert.deepEqual(
    (await linesOf(to.file)).map(({ msg }) => msg),
    ["two"],
  );
});

test("another file takes over from the next line on, and none is lost", async (t) => {
  const to = await settings(t);
  const other = `${to.file}.2`;
  const log = await openLog(to);
  for (let count = 0; count < 500; count++) log.info({ count }, "before");
  const changed = log.configure({ ...to, file: other });
  for (let count = 500; count < 1_000; count++) log.info({ count }, "between");
  await changed;
  log.info({ count: 1_000 }, "after");
  await log.close();
  const counts = [...(await linesOf(to.file)), ...(await linesOf(other))].map(({ count }) => count);
  assert.deepEqual(
    counts,
    Array.from({ length: 1_001 }, (_, index) => index),
  );
  assert.deepEqual(
    (await linesOf(other)).map(({ msg }) => msg),
    ["after"],
  );
});

test("pretty lines show control characters instead of sending them to a terminal", async (t) => {
  const to = await settings(t);
  const log = await openLog({ ...to, format: "pretty" });
  log.info({ said: "\u001b[2J\u009b1m" }, "bell \u0007 and sk-secret-key");
  await log.close();
  const text = await readFile(to.file, "utf8");
  assert.match(text, /INFO.*bell ␇ and \*\*\*/);
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test("JSON lines hold nothing that a terminal would obey, and mean what they meant", async (t) => {
  const to = await settings(t);
  const log = await openLog({ ...to, format: "json" });
  log.info({ title: "\u009b2J\u202e" }, "\u001b[2Jgone");
  await log.close();
  const text = await readFile(to.file, "utf8");
  assert.doesNotMatch(text, /[^\n -~]/);
  assert.deepEqual([JSON.parse(text).title, JSON.parse(text).msg], ["\u009b2J\u202e", "\u001b[2Jgone"]);
});

test("a file that can not be opened is named, with what to check", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "file"), "");
  await chmod(join(folder, "file"), 0o400);
  const file = join(folder, "file", "server.log");
  await assert.rejects(openLog({ level: "info", format: "json", file, redactor: redactor([]) }), (error) => {
    assert.ok(error instanceof DuragentError);
    assert.match(error.message, /file\/server\.log can not be opened \(.+\)\. Check logging\.file in duragent\.yaml\./);
    return true;
  });
});

test("a process that exits at once has written its lines to stderr, as JSON where that is no terminal", async () => {
  const pinoPath = join(import.meta.dirname, "../../../src/adapters/logging/pino.ts");
  const program = `
    import { openLog } from ${JSON.stringify(pinoPath)};
    const log = await openLog({ level: "info", format: "auto", redactor: { text: (text) => text } });
    log.info({ last: true }, "good-bye");
    process.exit(0);`;
  const { stderr, stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  const line: Line = JSON.parse(stderr);
  assert.equal(line["msg"], "good-bye");
  assert.equal(stdout, "");
});
