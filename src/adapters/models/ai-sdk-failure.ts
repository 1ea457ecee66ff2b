import { APICallError } from "@ai-sdk/provider";
import { z } from "zod";

import { ModelFailure } from "../../ports/model.ts";
import type { Usage } from "../../schema/session-event.ts";
import { retryAfterMs } from "./retry-after.ts";

/** A provider's words are kept to this length. */
const wordsMax = 2000;

type FailureFacts = { nowMs: number; secrets: readonly string[]; usage?: Usage | undefined };

/** Says what went wrong in the provider's own words, and whether the same request may succeed later. */
export function failureOf(error: unknown, { nowMs, secrets, usage }: FailureFacts): ModelFailure {
  if (error instanceof ModelFailure) return error;
  const { message, status, retryable, headers } = APICallError.isInstance(error) ? ofCall(error) : ofPart(error);
  const wait = headers && retryAfterMs(headers, nowMs);
  return new ModelFailure(withoutSecrets(message, secrets).slice(0, wordsMax), {
    retryable,
    ...(status !== undefined && { status }),
    ...(wait !== undefined && { retryAfterMs: wait }),
    ...(usage && { usage }),
    cause: error instanceof Error ? new Error(withoutSecrets(error.message, secrets)) : undefined,
  });
}

type Facts = {
  message: string;
  status: number | undefined;
  retryable: boolean;
  headers?: Record<string, string> | undefined;
};

/** Whether a request that got this status may succeed when it is made again. */
function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

function ofCall(error: APICallError): Facts {
  const { statusCode: status, responseHeaders: headers, responseBody } = error;
  // A 200 whose stream breaks off, or that is none (a proxy's page), may be whole the next time, like a lost connection.
  if (status === undefined || status < 400) {
    return { message: connectionWords(error), status: undefined, retryable: true, headers };
  }
  const retryable = isRetryableStatus(status);
  const words = responseWords(responseBody) ?? error.message;
  return { message: words === "" ? `the provider answered with status ${status}` : words, status, retryable, headers };
}

const errorShape = z.object({
  message: z.string().optional(),
  type: z.string().nullish(),
  code: z.union([z.string(), z.number()]).nullish(),
  status: z.union([z.string(), z.number()]).nullish(),
  statusCode: z.number().nullish(),
  isRetryable: z.boolean().nullish(),
});

/** The message of an error body, whatever the provider wraps it in; a short text as it stands. */
function responseWords(body: string | undefined): string | undefined {
  if (body === undefined || body.trim() === "") return undefined;
  const parsed = parseJson(body);
  return parsed === undefined ? body.trim() : (findError(parsed)?.message ?? body.trim());
}

function findError(value: unknown): z.infer<typeof errorShape> | undefined {
  // Some wrap it in a list, some once more than others: {"error": {"error": {…}}}.
  for (let inner = value, depth = 0; depth < 5 && inner !== undefined; depth += 1) {
    if (typeof inner === "string") return { message: inner };
    if (Array.isArray(inner)) {
      inner = inner[0];
      continue;
    }
    if (typeof inner !== "object" || inner === null) return undefined;
    const next: unknown = "error" in inner ? inner.error : "response" in inner ? inner.response : undefined;
    if (next === undefined || next === null) return errorShape.safeParse(inner).data;
    inner = next;
  }
  return undefined;
}

// What an error in the middle of a stream means: there is no status then, only a name.
const statusByName: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** An error that came inside the stream, or was thrown by something other than the HTTP call. */
function ofPart(error: unknown): Facts {
  if (error instanceof Error)
    return { message: connectionWords(error), status: undefined, retryable: !isHopeless(error) };
  const found = findError(typeof error === "string" ? (parseJson(error) ?? error) : error);
  const numbers = [found?.statusCode, found?.code, found?.status]
    .map(Number)
    .filter((code) => code >= 400 && code <= 599);
  const names = [found?.type, found?.code].map((name) => statusByName[String(name)]);
  const status = numbers[0] ?? names.find((code) => code !== undefined);
  return {
    message: found?.message ?? "the provider broke the response off with an error",
    status,
    retryable: status === undefined ? (found?.isRetryable ?? true) : isRetryableStatus(status),
  };
}

// Raised before anything was sent, because of what we asked for or what is not set: the next try would end alike.
const hopelessNames = new Set([
  "AI_InvalidArgumentError",
  "AI_InvalidPromptError",
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_NoSuchModelError",
  "AI_UnsupportedFunctionalityError",
  "CredentialsProviderError",
]);

function isHopeless(error: Error): boolean {
  return hopelessNames.has(error.name) || error.message.startsWith("model.");
}

/** `fetch failed` says nothing; what it was caused by does. */
function connectionWords(error: Error): string {
  const words: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const text = at.message || ("code" in at ? String(at.code) : at.name);
    if (text !== "" && !words.some((word) => word.includes(text))) words.push(text);
  }
  return words.length > 0 ? words.join(": ") : error.name;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller takes the text as it is.
    return undefined;
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 8)
    .reduce((clean, secret) => clean.replaceAll(secret, "***"), text);
}
