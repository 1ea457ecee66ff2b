import { createHmac, timingSafeEqual } from "node:crypto";

/** A request that is older, or so much from the future, may be one that somebody has recorded. */
const ageMaxSeconds = 300;

export type Signed = {
  readonly secret: string;
  /** X-Slack-Request-Timestamp: seconds since 1970. */
  readonly timestamp: string | undefined;
  /** X-Slack-Signature. */
  readonly signature: string | undefined;
  readonly body: Buffer;
  readonly nowMs: number;
};

/** Whether Slack has sent this, now. https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function isSigned({ secret, timestamp, signature, body, nowMs }: Signed): boolean {
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMs / 1_000 - Number(timestamp)) > ageMaxSeconds) return false;
  const expected = Buffer.from(
    `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest("hex")}`,
  );
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
