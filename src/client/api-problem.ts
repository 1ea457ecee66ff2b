import type { ProblemDocument } from "../schema/api/problem-document.ts";
import { DuragentError, problems, type ProblemCode } from "../schema/problem.ts";
import { readText, type ApiResponse } from "./transport.ts";

/** The server refused, and said why (RFC 9457). `code` and `facts` are those of the server's own error. */
export class ApiProblem extends DuragentError {
  readonly status: number;
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument, retryAfterMs: number | undefined) {
    const { type, title, status, detail, errors, outcome, instance: _instance, ...extra } = document;
    super(codeOf(type, status), detail ?? title, {
      ...(errors === undefined ? {} : { errors }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      extra: Object.fromEntries(
        Object.entries(extra).filter(
          (entry): entry is [string, string | number] => typeof entry[1] === "string" || typeof entry[1] === "number",
        ),
      ),
      retryable: status === 429 || status >= 500,
    });
    this.name = "ApiProblem";
    this.status = status;
    this.document = document;
  }
}

/** Reads what a response of 4xx or 5xx says; also from proxies, which speak no problem documents. */
export async function problemOf(response: ApiResponse): Promise<ApiProblem> {
  const text = await readText(response);
  const seconds = Number(response.header("retry-after") ?? Number.NaN);
  return new ApiProblem(documentOf(text, response.status), Number.isFinite(seconds) ? seconds * 1000 : undefined);
}

function documentOf(text: string, status: number): ProblemDocument {
  const fallback = { type: "about:blank", title: `HTTP ${status}`, status };
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return fallback;
  }
  if (typeof read !== "object" || read === null) return fallback;
  const title = "title" in read && typeof read.title === "string" ? read.title : fallback.title;
  const type = "type" in read && typeof read.type === "string" ? read.type : fallback.type;
  // The members that matter have been looked at; the others are shown as they came.
  return { ...(read as Partial<ProblemDocument>), type, title, status };
}

// A newer server may know codes that this client does not: the status still says which kind it is.
function codeOf(type: string, status: number): ProblemCode {
  const code = type.replace("urn:duragent:problem:", "");
  const known = Object.keys(problems).filter(isCode);
  return (
    known.find((name) => name === code) ??
    known.find((name) => problems[name][0] === status) ??
    (status < 500 ? "bad-request" : "internal-error")
  );
}

function isCode(name: string): name is ProblemCode {
  return Object.hasOwn(problems, name);
}
