import { createContext, Script } from "node:vm";

/** Some patterns take for ever, some arguments are many, some schemas branch without end. */
export const checkTimeoutMs = 500;

/** What is wrong with arguments, or `null`. */
export type ArgumentFault = (given: unknown) => string | null;

const check = new Script("faultOf(given)");

/**
 * The same in bounded time: `late` is the answer where it takes longer than `checkTimeoutMs`. An object's answer is
 * remembered, because one call is asked about several times on its way.
 */
export function boundedCheck(faultOf: ArgumentFault, late: string | null): ArgumentFault {
  const known = new WeakMap<object, string | null>();
  return (given) => {
    const isObject = typeof given === "object" && given !== null;
    const before = isObject ? known.get(given) : undefined;
    if (before !== undefined) return before;
    const fault = inTime(faultOf, given, late);
    if (isObject) known.set(given, fault);
    return fault;
  };
}

function inTime(faultOf: ArgumentFault, given: unknown, late: string | null): string | null {
  let fault: string | null = null;
  const keep = (one: unknown): void => void (fault = faultOf(one));
  try {
    // A context is what a time-out is for; it holds nobody back.
    check.runInContext(createContext({ faultOf: keep, given }), { timeout: checkTimeoutMs });
    return fault;
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return late;
  }
}

// It comes from the context, which has an Error of its own.
const isTimeout = (error: unknown): boolean =>
  typeof error === "object" && error !== null && Reflect.get(error, "code") === "ERR_SCRIPT_EXECUTION_TIMEOUT";
