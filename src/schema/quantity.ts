import { z } from "zod";

const durationExpected = "expected a duration: 90s, 30m, 2h, 7d or a number of seconds";
const sizeExpected = "expected a size: 10MB, 64KiB or a number of bytes";
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `90s`, `30m`, `2h`, `7d`, `500ms` or a number of seconds; parsed to milliseconds. */
export const durationMs = z
  .union([z.number().min(0), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)?$/, durationExpected)], {
    error: durationExpected,
  })
  .transform((written) => {
    if (typeof written === "number") return Math.round(written * 1000);
    const unit = /[a-z]+$/.exec(written)?.[0] ?? "s";
    return Math.round(Number.parseFloat(written) * (unitMs[unit] ?? 1));
  });

/** `10MB`, `64KiB` or a number of bytes; parsed to bytes. */
export const sizeBytes = z
  .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?(B|KB|MB|GB|KiB|MiB|GiB)?$/, sizeExpected)], {
    error: sizeExpected,
  })
  .transform((written) => {
    if (typeof written === "number") return written;
    const unit = /[A-Za-z]+$/.exec(written)?.[0] ?? "B";
    return Math.round(Number.parseFloat(written) * (unitBytes[unit] ?? 1));
  });
