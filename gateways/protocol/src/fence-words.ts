const firstWord = /^(?<language>[\w+#.-]{1,40})?(?:(?:^|\s+)(?<said>.+))?$/s;

/**
 * What stands behind a code block's fence (CommonMark's info string, trimmed): its first word is the code's language, if
 * it can be one; all else (`said`) is text that would be lost where a platform shows the code alone.
 * https://spec.commonmark.org/0.31.2/#info-string
 */
export function readFenceWords(behind: string): { language: string | undefined; said: string | undefined } {
  const { language, said } = firstWord.exec(behind)?.groups ?? {};
  return { language, said };
}
