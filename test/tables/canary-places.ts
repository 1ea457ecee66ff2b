import type { MockReply } from "../support/mock-provider.ts";

/**
 * A way for a known secret to reach what is stored or shown. `{s}` stands for the secret in what a user says; `{page}` for a
 * place in the web that gives it out, `{sibling}` for another session of the agent.
 */
export type CanaryPlace = {
  name: string;
  /** What the user says to the agent. */
  say?: string;
  /** A call of a tool that the model makes; texts may hold `{s}`. */
  call?: { name: string; arguments: Record<string, unknown> };
};

const bash = (name: string, command: string): CanaryPlace => ({ name, call: { name: "bash", arguments: { command } } });

const background = (name: string, given: Record<string, unknown>): CanaryPlace => ({
  name,
  call: { name: "background_process", arguments: { action: "spawn", ...given } },
});

// `leak` is a file in the workspace that holds the secret, put there by a human; nothing the agent wrote.
export const canaryPlaces: readonly CanaryPlace[] = [
  { name: "a message", say: "my key is {s}, keep it" },
  { name: "a message that is nothing else", say: "{s}" },
  { name: "a message with it escaped for JSON", say: 'the config is {"key":"{s}\\n"}' },
  { name: "a message with it many times", say: "{s}{s} {s}" },
  { name: "a message in which one begins in another", say: "{s}canary-{s}" },
  bash("stdout of a command", "cat leak"),
  bash("stderr of a command", "cat leak >&2"),
  bash("the arguments of a command", "echo {s}"),
  bash("arguments that are quoted", "echo '{s}' \"{s}\""),
  bash("a command that fails with it", 'cat "$(cat leak)"'),
  bash("an exit in the middle of it", "cat leak; exit 3"),
  bash("output in two pieces", "head -c 9 leak; sleep 0.2; tail -c +10 leak"),
  bash("output byte by byte", 's=$(cat leak); for ((i=0;i<${#s};i++)); do printf %s "${s:i:1}"; done'),
  bash("output between both streams", "head -c 9 leak; tail -c +10 leak; cat leak >&2; cat leak"),
  bash("output with it on every line", "for i in $(seq 200); do cat leak; echo; done"),
  bash("output past what a result holds", "head -c 400000 /dev/zero | tr '\\0' a; cat leak"),
  bash(
    "output where the result is cut",
    "head -c 131060 /dev/zero | tr '\\0' a; cat leak; head -c 400000 /dev/zero | tr '\\0' b",
  ),
  bash("output where its end begins", "cat leak; head -c 262130 /dev/zero | tr '\\0' a; cat leak"),
  bash("its environment", "env; cat /proc/self/environ | tr '\\0' '\\n'"),
  bash("the environment of its parents", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"),
  bash("the configuration", "cat ../../../duragent.yaml ../../duragent.yaml /proc/1/cwd/duragent.yaml"),
  bash("the file of environment", "cat ../../../.env ~/.duragent/auth.json"),
  bash("a file that it writes and reads", 'cat leak > copy; cat copy; ls -l "$(cat leak)" || true'),
  { name: "a file that is read", call: { name: "read_file", arguments: { path: "leak" } } },
  { name: "a file that is searched", call: { name: "search_files", arguments: { pattern: "canary" } } },
  { name: "a pattern that is searched for", call: { name: "search_files", arguments: { pattern: "{s}" } } },
  { name: "a path that is not there", call: { name: "read_file", arguments: { path: "{s}" } } },
  { name: "a file that is written", call: { name: "write_file", arguments: { path: "note", content: "{s}" } } },
  { name: "a memory", call: { name: "memory", arguments: { action: "remember", content: "it is {s}" } } },
  {
    name: "the memory of an agent",
    call: { name: "memory", arguments: { action: "reflect", content: "# Keys\n{s}" } },
  },
  {
    name: "a topic of the world",
    call: { name: "memory", arguments: { action: "update_world", topic: "keys", content: "{s}" } },
  },
  { name: "what was remembered", call: { name: "memory", arguments: { action: "recall" } } },
  { name: "working notes", call: { name: "session", arguments: { action: "notes", content: "{s}" } } },
  {
    name: "an artifact of a text",
    call: { name: "artifact", arguments: { action: "put", name: "a.txt", content: "{s}" } },
  },
  {
    name: "an artifact of a file",
    call: { name: "artifact", arguments: { action: "put", name: "b.txt", path: "leak" } },
  },
  { name: "an artifact that is fetched", call: { name: "artifact", arguments: { action: "get", name: "b.txt" } } },
  { name: "a notification", call: { name: "notify_user", arguments: { message: "it is {s}" } } },
  { name: "a tool that there is not", call: { name: "no_such_tool", arguments: { key: "{s}" } } },
  { name: "arguments that are wrong", call: { name: "bash", arguments: { command: 1, "{s}": "{s}" } } },
  { name: "an action that there is not", call: { name: "memory", arguments: { action: "{s}" } } },
  { name: "a program's own output", call: { name: "leaky", arguments: {} } },
  { name: "the environment of an MCP server", call: { name: "every__get-env", arguments: {} } },
  { name: "what an MCP server says again", call: { name: "every__echo", arguments: { message: "{s}" } } },
  { name: "what an MCP server refuses", call: { name: "every__echo", arguments: { "{s}": "{s}" } } },
  { name: "a page", call: { name: "web", arguments: { action: "fetch", url: "{page}" } } },
  { name: "an address of the web", call: { name: "web", arguments: { action: "fetch", url: "{page}/{s}?key={s}" } } },
  {
    name: "an address that is none",
    call: { name: "web", arguments: { action: "fetch", url: "http://{s}.invalid/" } },
  },
  { name: "a search", call: { name: "web", arguments: { action: "search", query: "{s}" } } },
  {
    name: "a message to another session",
    call: { name: "session", arguments: { action: "send", session_id: "{sibling}", content: "it is {s}" } },
  },
  background("a process in the background", { command: "cat leak; cat leak >&2; echo {s}", wait: true }),
  background("its end, told later", { command: "cat leak; exit 3", label: "the key {s}" }),
  background("a screen", { command: "cat leak; sleep 0.1", interactive: true, wait: true }),
  {
    name: "a process that there is not",
    call: { name: "background_process", arguments: { action: "log", handle: "{s}" } },
  },
  {
    name: "an artifact's name",
    call: { name: "artifact", arguments: { action: "put", name: "{s}.txt", content: "x" } },
  },
  { name: "a channel that there is not", call: { name: "notify_user", arguments: { message: "x", channel: "{s}" } } },
  { name: "a command that is asked about", call: { name: "bash", arguments: { command: "touch {s}" } } },
];

/** A way for a model's provider to give out the key that it was sent. */
export type CanaryReply = { name: string; replies(secret: string): MockReply[] };

const done: MockReply = { chunks: ["done"] };

export const canaryReplies: readonly CanaryReply[] = [
  {
    name: "an error of the provider",
    replies: (secret) => [{ status: 401, body: { error: { message: `Incorrect API key provided: ${secret}` } } }],
  },
  { name: "an error that is no JSON", replies: (secret) => [{ status: 400, body: `<html>${secret}</html>` }] },
  { name: "a response", replies: (secret) => [{ chunks: [`your key is ${secret}.`] }] },
  { name: "a response letter by letter", replies: (secret) => [{ chunks: secret.split("") }] },
  {
    name: "a response that breaks off in the middle of it",
    replies: (secret) => [{ chunks: [secret, secret.slice(0, 9), secret.slice(9)], after: 2, fault: "cut" }, done],
  },
  { name: "a thought", replies: (secret) => [{ thinking: { text: secret }, chunks: ["hm"] }] },
  {
    name: "arguments that are no JSON",
    replies: (secret) => [{ toolCalls: [{ name: "bash", arguments: `{"command": "echo ${secret}` }] }, done],
  },
  { name: "the name of a tool", replies: (secret) => [{ toolCalls: [{ name: secret, arguments: {} }] }, done] },
  {
    name: "the id of a call",
    replies: (secret) => [{ toolCalls: [{ id: secret, name: "none", arguments: {} }] }, done],
  },
];
