/** The `code` of an error of Node, e.g. ENOENT. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether it is an error of Node with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = errorCode(error);
  return code !== undefined && codes.includes(code);
}

/** Nothing is there. */
export const isMissing = (error: unknown): boolean => hasCode(error, "ENOENT", "ENOTDIR");
