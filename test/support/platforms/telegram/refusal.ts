/** An answer of the Bot API other than `ok`. */
export class Refusal extends Error {
  readonly status: number;
  /** The request itself is wrong, whatever the state of the chat. */
  readonly isMalformed: boolean;
  readonly parameters: Readonly<Record<string, number>> | undefined;

  constructor(
    status: number,
    description: string,
    options: { isMalformed?: boolean; parameters?: Readonly<Record<string, number>> } = {},
  ) {
    super(description);
    this.status = status;
    this.isMalformed = options.isMalformed ?? false;
    this.parameters = options.parameters;
  }
}

/** 400 for a request that no state of the chat could make right. */
export function malformed(description: string): Refusal {
  return new Refusal(400, `Bad Request: ${description}`, { isMalformed: true });
}

/** 400 for a request that does not fit what there is. */
export function misplaced(description: string): Refusal {
  return new Refusal(400, `Bad Request: ${description}`);
}
