import type { ModelMessage } from "../../ports/model.ts";

/** The messages of one turn: whole, so that no tool call stands without its result. History is cut between turns only. */
export type ConversationTurn = {
  readonly messages: readonly ModelMessage[];
  /** The turn that is being worked on; at most the last one. */
  readonly open: boolean;
  /** By call id: the artifact that holds a result whole. */
  readonly artifacts?: Readonly<Record<string, string>>;
};
