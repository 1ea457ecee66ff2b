import { DuragentError } from "../../schema/problem.ts";
import type { Arrived } from "./call.ts";
import { problemReply } from "./problem-reply.ts";
import type { Reply } from "./reply.ts";
import { routes } from "./routes/registry.ts";

type Missing = { path: string; answer(arrived: Arrived): Promise<Reply> };

const known = routes.map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replaceAll(/[.]/g, String.raw`\.`).replaceAll(/:[a-z]+/g, "[^/]+")}$`),
}));

/** What answers where no route does: 405 if the path has other methods (204 to a preflight of an allowed origin), else 404. */
export function missing(method: string, path: string): Missing {
  const methods = known.filter(({ pattern }) => pattern.test(path)).map((route) => route.method);
  const allow = [...new Set(methods.flatMap((name) => (name === "GET" ? [name, "HEAD"] : [name])))].join(", ");
  return {
    path: "(none)",
    async answer({ requestId, headers, incoming }): Promise<Reply> {
      if (methods.length === 0) {
        throw new DuragentError(
          "not-found",
          "There is nothing under this path. GET /openapi.json lists what there is.",
        );
      }
      // The gate lets an Origin in only if it is configured, or is the server's own, which needs no preflight.
      if (
        method === "OPTIONS" &&
        headers["access-control-allow-origin"] !== undefined &&
        incoming.headers["access-control-request-method"] !== undefined
      ) {
        return {
          status: 204,
          headers: {
            "access-control-allow-methods": allow,
            "access-control-allow-headers":
              "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, Traceparent, X-Request-Id",
            "access-control-max-age": "600",
          },
          body: null,
        };
      }
      const refusal = problemReply(
        new DuragentError("method-not-allowed", `This path answers ${allow} only.`),
        requestId,
      );
      return { ...refusal, headers: { ...refusal.headers, allow } };
    },
  };
}
