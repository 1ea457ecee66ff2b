/** A fault put into the source on purpose. The test that it names must go red, or that test proves nothing. */
export type Mutant = {
  /** What it breaks, as a sentence's beginning: "acknowledges before the sync". */
  name: string;
  /** Relative to the repository. */
  file: string;
  /** Occurs once in the file. */
  find: string;
  replace: string;
  /** The test file that must go red, relative to the repository. */
  test: string;
  /** Only the test whose name matches. */
  only?: string;
};
