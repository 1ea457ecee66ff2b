import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";

import { createGround } from "../../src/app/ground.ts";
import { runProgram } from "../../src/surfaces/cli/program.ts";
import { ask } from "../support/http-harness.ts";
import { testEnvironment } from "../support/program.ts";
import { ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { lookalikes, terminalEscapes } from "../tables/terminal-escapes.ts";
import { doer } from "./acting-agents.ts";

const texts = Object.values(terminalEscapes);
const all = [...texts, ...Object.values(lookalikes)].join(" | ").replaceAll("\n", " ");
const titlesTogether = 4;
const forNames = "\u001b]0;x\u0007\u009b2J\u202egnp.\u200b";

/** The program's own: bold, dim and its five colours, on and off. */
const ownStyles = /\u001b\[(?:1|2|22|31|32|33|36|39)m/g;
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/u;

/** A terminal for commands: nothing of this process but its memory, and what a person types. */
function openTerminal(cwd: string) {
  let written = "";
  const output = () =>
    Object.assign(new Writable({ write: (chunk, _, done) => done(void (written += String(chunk))) }), {
      isTTY: true,
      columns: 100,
    });
  return {
    /** What a command writes to a terminal, with the program's own colours taken away. */
    async shows(words: readonly string[], typed = "", person = false): Promise<string> {
      written = "";
      const input = Object.assign(new PassThrough(), { isTTY: person, setRawMode: () => undefined });
      const over = runProgram(words, {
        stdin: input,
        stdout: output(),
        stderr: output(),
        cwd,
        env: testEnvironment(cwd),
        ground: () => Promise.resolve(createGround()),
        onInterrupt: () => () => undefined,
      });
      if (person) await until("a question", () => written.includes("?"));
      input.end(typed);
      await over;
      return written.replaceAll(ownStyles, "");
    },
  };
}

const say = (when: string, name: string, given: Record<string, unknown>) => ({
  when,
  tool: { name, arguments: given },
});

function hostile() {
  const options = doer({
    policy: { mode: "allow", deny: [`bash:denied ${forNames}*`], ask: ["bash:rm"] },
    spec: {
      memory: {},
      tools: ["bash", "memory", "artifact", "list_files"].map((name) => ({ type: "builtin", name })),
    },
    rules: [
      say("^output$", "bash", { command: 'cat escapes; cat escapes >&2; touch "$(cat name)"; exit 3' }),
      say("^files$", "list_files", {}),
      say("^tool$", `tool ${all}`, { [all]: all }),
      say("^question$", "bash", { command: `rm ${all}` }),
      say("^remember$", "memory", { action: "remember", content: all }),
      say("^keep$", "artifact", { action: "put", name: "kept \u202e\u200b\u2066", content: texts.join("\n") }),
      { when: ".*", say: "heard {{input}} and {{result}}" },
    ],
  });
  const any = JSON.stringify({ name: "any", description: all, model: { provider: "scripted", name: "./s.yaml" } });
  const faults = [{ on_call: 1, status: 400, message: all }];
  return {
    ...options,
    files: {
      ...options.files,
      "agents/any/agent.yaml": inAscii(any),
      "agents/any/s.yaml": inAscii(JSON.stringify({ rules: [{ when: ".*", say: all }], errors: faults })),
      "agents/doer/script.yaml": inAscii(options.files?.["agents/doer/script.yaml"] ?? ""),
      "agents/doer/policy.yaml": inAscii(options.files?.["agents/doer/policy.yaml"] ?? ""),
      [`agents/bad ${forNames}/agent.yaml`]: inAscii(JSON.stringify({ [`odd ${all}`]: all })),
    },
  };
}

/** YAML takes these characters only in another spelling. */
const inAscii = (json: string): string =>
  json.replaceAll(/[^ -~]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );

test(`nothing that a command prints of ${texts.length} escapes is obeyed by a terminal, wherever they come from`, async (t) => {
  const server = await ServerProcess.start(t, hostile());
  const workspace = join(server.dataDir, "workspace", "doer");
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  await writeFile(join(workspace, "escapes"), texts.join("\n"));
  await writeFile(join(workspace, "name"), forNames);

  const post = async (id: string, json: Record<string, unknown>, status = 200): Promise<void> => {
    const told = await ask(server.place, { path: `/api/v1/sessions/${id}/messages`, json });
    assert.equal(told.status, status, told.text);
  };
  const open = async (agent: string, labels = {}): Promise<string> =>
    (await ask(server.place, { path: "/api/v1/sessions", json: { agent, labels } })).json.session_id;
  // A title is short: a session for every few of them; and all of them by every other way into one.
  const titles = texts
    .map((_, at) => texts.slice(at, at + titlesTogether).join(""))
    .filter((_, at) => at % titlesTogether === 0);
  await Promise.all(titles.map(async (content) => post(await open("doer"), { content })));
  const id = await open("doer");
  await post(id, { content: all, sender_id: "ada", sender_name: `Ada \u202e\u2066\u200b` });
  for (const content of ["output", "files", "tool", "remember", "keep"]) await post(id, { content });
  await post(id, { content: "question" }, 202);
  const failed = await open("any");
  await post(failed, { content: "hello" }, 502);

  const terminal = openTerminal(server.folder);
  const shown: [string, string][] = [];
  const look = async (words: string[], typed = ""): Promise<string> => {
    const text = await terminal.shows(words, typed);
    shown.push([words.map((word) => (word === all ? "…" : word)).join(" "), text]);
    return text;
  };
  for (const words of [
    ["session", "list"],
    ["session", "show", id],
    ["session", "tail", "-n", "500", id],
    ["session", "tail", "-n", "500", failed],
    ["attach", "-l"],
    ["agent", "list"],
    ["agent", "show", "any"],
    ["agent", "validate", `agents/bad ${forNames}`],
    ["memory", "search", "-a", "doer"],
    ["artifact", "list", "-a", "doer"],
    ["policy", "check", "-a", "doer", `denied ${forNames} ${all}`],
    ["policy", "check", "-a", "doer", `ls; make ${forNames}`],
    ["serve", "status"],
  ]) {
    const text = await look(words);
    assert.doesNotMatch(text, /^error: /, `${words.join(" ")}: ${text}`);
    await look([...words, "--json"]);
  }
  for (const words of [
    ["session", "export", id],
    ["session", "export", id, "--format", "markdown"],
    ["artifact", "get", "kept \u202e\u200b\u2066", "-a", "doer"],
    ["session", "show", all],
    ["chat", "-a", all],
    ["artifact", "get", all, "-a", "doer"],
    ["run", "-a", "any", "again"],
    ["run", "-a", "doer", "output"],
    ["run", "-a", "doer", "question"],
    ["doctor"],
    ["doctor", "--json"],
  ])
    await look(words);
  await look(["attach", id], `/status\n/history\n/agents\n/sessions\n/memory\n/${all}\ntool\nd\n`);

  const start = server.output.split("\n").filter((line) => !line.startsWith("{"));
  assert.ok(start.some((line) => line.includes("warning     the agent")));
  shown.push(["serve", start.join("\n")]);
  for (const [command, text] of shown) assert.doesNotMatch(text, obeyed, command);
  // What was to be seen was there.
  for (const word of ["␛[8m", "<U+009B>2J", "<U+202E>", "\\u202e"])
    assert.ok(
      shown.some(([, text]) => text.includes(word)),
      word,
    );

  const picked = await terminal.shows(["chat"], "\u0003", true);
  assert.match(picked, /Which agent\?[^]*␛\[38;5;196mred/);
  // The prompt itself moves the cursor and hides it; it sets no title, no link and no colour of these.
  assert.doesNotMatch(picked, /\u001b(?:\[(?:38|8m|6n|1;1H)|[^[])|[\u0007\u0080-\u009f\p{Bidi_Control}]/u);
});
