import { z } from "zod";

// Crockford base 32 as ULID uses it: no I, L, O, U; upper case.
const ulidPattern = "[0-9A-HJKMNP-TV-Z]{26}";

const id = <Brand extends string>(prefix: Brand) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_${ulidPattern}$`), `must be ${prefix}_ and a ULID`)
    .brand<`${Brand}_id`>();

/** `session_` + ULID; names a session in every store, never reused after a deletion. */
export const sessionIdSchema = id("session");
export type SessionId = z.infer<typeof sessionIdSchema>;

/** `msg_` + ULID: a message of a user, or one try of a model call and the response it became. */
export const messageIdSchema = id("msg");
export type MessageId = z.infer<typeof messageIdSchema>;

/** `turn_` + ULID. */
export const turnIdSchema = id("turn");
export type TurnId = z.infer<typeof turnIdSchema>;

/** `appr_` + ULID: one question about one call. */
export const approvalIdSchema = id("appr");
export type ApprovalId = z.infer<typeof approvalIdSchema>;

export type IdPrefix = "session" | "msg" | "turn" | "appr" | "sched" | "run";
