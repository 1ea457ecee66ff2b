import type { ApprovalChoice } from "../../schema/session-event.ts";

type Digest = (text: string) => string;

// RFC 4648, section 6, in lower case.
const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const choices: readonly ApprovalChoice[] = ["allow_once", "allow_always", "deny"];
const form = /^approve:([a-z_]+)(?::([a-z2-7]{10}))?$/;

/** What stands for a question in a button: 10 base32 digits, the first 50 bits of SHA-256 of its id. `digest`: 64 hex digits. */
export function approvalTag(approvalId: string, digest: Digest): string {
  // 13 hex digits are 52 bits, which a number holds whole; the last two are not wanted.
  let rest = Math.floor(Number.parseInt(digest(approvalId).slice(0, 13), 16) / 4);
  let tag = "";
  for (let digit = 0; digit < 10; digit += 1) {
    tag = alphabet.charAt(rest % 32) + tag;
    rest = Math.floor(rest / 32);
  }
  return tag;
}

/** `callback_data` of a button, at most 31 bytes. */
export function approvalButton(choice: ApprovalChoice, approvalId: string, digest: Digest): string {
  return `approve:${choice}:${approvalTag(approvalId, digest)}`;
}

/** What a pressed button says; nothing if it is not about an approval. Without `tag` (as older programs wrote it): the question that waits. */
export function parseApprovalButton(data: string): { choice: ApprovalChoice; tag?: string } | undefined {
  const [, word, tag] = form.exec(data) ?? [];
  const choice = choices.find((known) => known === word);
  if (choice === undefined) return undefined;
  return tag === undefined ? { choice } : { choice, tag };
}
