/** What an error says, for the log; of what is none, its text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
