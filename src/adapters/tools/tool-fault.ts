/** What the model asked for and can not have, in a sentence that says what to do instead. */
export class ToolFault extends Error {}
