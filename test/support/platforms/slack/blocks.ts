import { z } from "zod";

import type { Block } from "./workspace.ts";

// Limits as docs.slack.dev/reference/block-kit has them, in characters.
const blocksMax = 50;
const markdownMax = 12_000;

const plain = (max: number) =>
  z.strictObject({ type: z.literal("plain_text"), text: z.string().min(1).max(max), emoji: z.boolean().optional() });
const mrkdwn = (max: number) =>
  z.strictObject({ type: z.literal("mrkdwn"), text: z.string().min(1).max(max), verbatim: z.boolean().optional() });
const blockId = z.string().max(255).optional();

const button = z.strictObject({
  type: z.literal("button"),
  text: plain(75),
  action_id: z.string().min(1).max(255),
  value: z.string().max(2_000).optional(),
  url: z.url().max(3_000).optional(),
  style: z.enum(["primary", "danger"]).optional(),
});

const blocksSchema = z
  .array(
    z.discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("section"),
        block_id: blockId,
        text: z.union([plain(3_000), mrkdwn(3_000)]),
        expand: z.boolean().optional(),
      }),
      z.strictObject({ type: z.literal("actions"), block_id: blockId, elements: z.array(button).min(1).max(25) }),
      z.strictObject({ type: z.literal("markdown"), block_id: blockId, text: z.string().min(1).max(markdownMax) }),
      z.strictObject({ type: z.literal("divider"), block_id: blockId }),
    ]),
  )
  .max(blocksMax);

export type ReadBlocks =
  | { readonly kind: "blocks"; readonly blocks: readonly Block[] }
  | { readonly kind: "refused"; readonly error: "invalid_blocks" | "invalid_blocks_format"; readonly why: string };

/** Blocks as an argument brings them: JSON in a form's field. */
export function readBlocks(json: string): ReadBlocks {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { kind: "refused", error: "invalid_blocks_format", why: "not JSON" };
  }
  const read = blocksSchema.safeParse(value);
  if (!read.success) return { kind: "refused", error: "invalid_blocks", why: z.prettifyError(read.error) };
  const fault = faultOf(read.data);
  return fault === undefined
    ? { kind: "blocks", blocks: read.data }
    : { kind: "refused", error: "invalid_blocks", why: fault };
}

function faultOf(blocks: z.infer<typeof blocksSchema>): string | undefined {
  const ids = blocks.flatMap((block) => (block.type === "actions" ? block.elements.map((each) => each.action_id) : []));
  if (new Set(ids).size < ids.length) return "an action_id occurs twice";
  const markdown = blocks.reduce((sum, block) => sum + (block.type === "markdown" ? block.text.length : 0), 0);
  return markdown > markdownMax ? "markdown blocks are together longer than 12,000 characters" : undefined;
}

/** Captions of a message's buttons, by row. */
export function captionsOf(blocks: readonly Block[]): string[][] {
  return buttonRows(blocks).map((row) => row.map((each) => each.text.text));
}

/** The button of a caption. */
export function buttonOf(blocks: readonly Block[], caption: string): z.infer<typeof button> | undefined {
  return buttonRows(blocks)
    .flat()
    .find((each) => each.text.text === caption);
}

function buttonRows(blocks: readonly Block[]): z.infer<typeof button>[][] {
  return blocksSchema.parse(blocks).flatMap((block) => (block.type === "actions" ? [block.elements] : []));
}
