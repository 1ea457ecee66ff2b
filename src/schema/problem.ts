/**
 * Every code that a problem document (RFC 9457) or an `error` event can carry, with its HTTP status and title.
 * The `type` of a problem document is `urn:duragent:problem:<code>`.
 */
export const problems = {
  "bad-request": [400, "Bad Request"],
  "token-in-url": [400, "Token In URL"],
  unauthorized: [401, "Unauthorized"],
  forbidden: [403, "Forbidden"],
  "not-found": [404, "Not Found"],
  "session-not-found": [404, "Session Not Found"],
  "agent-not-found": [404, "Agent Not Found"],
  "method-not-allowed": [405, "Method Not Allowed"],
  conflict: [409, "Conflict"],
  "session-read-only": [409, "Session Is Read Only"],
  "repeated-crash": [409, "Repeated Crash"],
  "session-ended": [410, "Session Ended"],
  "precondition-failed": [412, "Precondition Failed"],
  "too-large": [413, "Too Large"],
  "unsupported-media-type": [415, "Unsupported Media Type"],
  "range-not-satisfiable": [416, "Range Not Satisfiable"],
  "host-not-allowed": [421, "Host Not Allowed"],
  unprocessable: [422, "Unprocessable"],
  "rate-limited": [429, "Rate Limited"],
  "budget-exceeded": [429, "Budget Exceeded"],
  "internal-error": [500, "Internal Error"],
  "provider-error": [502, "Provider Error"],
  "storage-failed": [503, "Storage Failed"],
  "session-corrupt": [503, "Session Corrupt"],
  overloaded: [503, "Overloaded"],
  "shutting-down": [503, "Shutting Down"],
  "provider-timeout": [504, "Provider Timeout"],
  "storage-full": [507, "Storage Full"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;

export type ErrorFacts = {
  cause?: unknown;
  retryable?: boolean;
  retryAfterMs?: number;
  /** Bytes may have been written: the same idempotency key is safe to repeat. */
  outcome?: "unknown";
  /** What was wrong where, for validation errors. */
  errors?: readonly { path: string; message: string }[];
  /** Further members of the problem document, e.g. `provider`, `provider_status`, `turn_id`. */
  extra?: Readonly<Record<string, string | number>>;
};

/** The outside world failed, or a caller asked for what can not be: says what was wrong, where, and what to do. */
export class DuragentError extends Error {
  readonly code: ProblemCode;
  readonly facts: ErrorFacts;

  constructor(code: ProblemCode, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.name = "DuragentError";
    this.code = code;
    this.facts = facts;
  }
}
