import type { ToolContext } from "../../ports/tool.ts";

/** What a program needs to find others, say who it is and speak the user's language. */
const passedOn = ["PATH", "HOME", "LANG", "TERM", "TZ", "TMPDIR", "USER", "SHELL"] as const;

/** The programs that every system has, for a server without a PATH. */
export const systemPath = "/usr/local/bin:/usr/bin:/bin";

/** Where a service manager gives a server nothing: the system's programs, and text that is UTF-8. */
const whereMissing: Readonly<Record<string, string>> = {
  PATH: systemPath,
  LANG: "C.UTF-8",
};

/**
 * What every tool gets of the server's environment: none of its secrets and none of its DURAGENT_ variables, which are
 * set for each call. Of the locale LANG alone: an LC_ variable would be a wildcard for names that nobody looked at.
 */
export function minimalEnvironment(source: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = source[name] || whereMissing[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What a program learns of the call that runs it. */
export const callVariables = ({
  callId,
  idempotencyKey,
  sessionId,
  agent,
}: Pick<ToolContext, "callId" | "idempotencyKey" | "sessionId" | "agent">): Record<string, string> => ({
  DURAGENT_CALL_ID: callId,
  DURAGENT_IDEMPOTENCY_KEY: idempotencyKey,
  DURAGENT_SESSION_ID: sessionId,
  DURAGENT_AGENT: agent,
});
