import type { Clock } from "../../ports/clock.ts";
import { ModelFailure, type Model, type ModelChoice, type ModelPart, type ModelRequest } from "../../ports/model.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { Usage } from "../../schema/session-event.ts";
import { answerOf } from "./scripted-answer.ts";
import { parseScript, type Script } from "./scripted-script.ts";

type Fault = Script["errors"][number];

/**
 * A model that plays the YAML script that stands at `choice.name` among the agent's own files. `countCall` says how often
 * the script was called, with this call; `errors` go by it.
 * Throws DuragentError `unprocessable` when there is no such file or it is not a script.
 */
export function createScriptedModel(choice: ModelChoice, facts: { clock: Clock; countCall: () => number }): Model {
  const script = scriptOf(choice);
  return {
    provider: choice.provider,
    name: choice.name,
    stream: (request, signal) => play(script, request, { ...facts, signal }),
  };
}

/** The path of a script among its agent's files: no leading `./`. */
export function scriptPath(name: string): string {
  return name.replace(/^(?:\.\/+)+/, "");
}

/** By the bytes of a loaded agent, which are never changed: a call of the model must not cost reading its script. */
const scripts = new WeakMap<Uint8Array, Script>();

function scriptOf(choice: ModelChoice): Script {
  const bytes = scriptBytes(choice);
  const known = scripts.get(bytes);
  if (known?.path === choice.name) return known;
  const script = parseScript(choice.name, bytes);
  scripts.set(bytes, script);
  return script;
}

function scriptBytes(choice: ModelChoice): Uint8Array {
  const bytes = choice.files?.get(scriptPath(choice.name));
  if (bytes === undefined) {
    throw new DuragentError(
      "unprocessable",
      `model.name: ${choice.name} is not a file of the agent; provider "scripted" needs the path of a script in the agent's folder, such as ./script.yaml`,
    );
  }
  return bytes;
}

async function* play(
  script: Script,
  request: ModelRequest,
  { clock, countCall, signal }: { clock: Clock; countCall: () => number; signal: AbortSignal },
): AsyncGenerator<ModelPart> {
  signal.throwIfAborted();
  const callNumber = countCall();
  const fault = script.errors.find((error) => error.on_call === callNumber);
  if (fault !== undefined && fault.after_tokens === undefined) throw failure(script, fault, callNumber);

  const answer = answerOf(script, request);
  if (answer === undefined) {
    throw new ModelFailure(`no rule of ${script.path} fits the last message; add one with when: '.*' at its end`, {
      retryable: false,
    });
  }
  await pause(clock, script.delay.first_token_ms, signal);
  let shown = 0;
  for (const token of tokensOf(answer.text)) {
    if (fault?.after_tokens === shown) throw failure(script, fault, callNumber);
    if (shown > 0) await pause(clock, script.delay.per_token_ms, signal);
    signal.throwIfAborted();
    yield { type: "text", text: token };
    shown += 1;
  }
  if (fault !== undefined) throw failure(script, fault, callNumber);
  if (answer.tool !== undefined) {
    const call = { call_id: `call_${clock.ulid()}`, tool_name: answer.tool.name, arguments: answer.tool.arguments };
    yield { type: "tool_call", call };
  }
  yield { type: "finish", stop: answer.tool === undefined ? "end" : "tool_calls", usage: usageOf(request, answer) };
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await clock.sleep(ms, signal);
}

/** Words with the blanks before them: they concatenate to the text. */
function tokensOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [];
}

function failure(script: Script, fault: Fault, callNumber: number): ModelFailure {
  const { status, retry_after_ms: retryAfterMs } = fault;
  const what = status === undefined ? "the connection breaks" : `status ${status}`;
  const retryable = status === undefined || status === 408 || status === 409 || status === 429 || status >= 500;
  return new ModelFailure(fault.message ?? `${script.path} has rehearsed a fault: ${what} on call ${callNumber}`, {
    retryable,
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Four bytes are a token, as everywhere where no provider counts. */
function usageOf(request: ModelRequest, answer: ReturnType<typeof answerOf>): Usage {
  const prompt = tokenCount(JSON.stringify([request.system, request.messages, request.tools]));
  const completion = tokenCount(answer?.text ?? "") + (answer?.tool ? tokenCount(JSON.stringify(answer.tool)) : 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function tokenCount(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
