import { z } from "zod";

import { secretText } from "./secret.ts";
import { strictObject } from "./strict-object.ts";

const text = z.string().min(1);

const postgres = strictObject({
  backend: z.literal("postgres"),
  url: secretText,
  listen_url: secretText.optional(),
  pool_size: z.int().min(1).max(1000).optional(),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, "expected the name of a Postgres schema")
    .optional(),
});

const s3 = strictObject({
  backend: z.literal("s3"),
  bucket: text,
  region: text.optional(),
  prefix: z.string().optional(),
  endpoint: text.optional(),
  force_path_style: z.boolean().optional(),
  access_key_id: secretText.optional(),
  secret_access_key: secretText.optional(),
});

const files = { backend: z.literal("filesystem").default("filesystem"), path: text.optional() };
const filesystem = strictObject(files);
const knownBackends = { error: "unknown backend; expected filesystem, postgres or s3" };

/** Which backend keeps what, each with its own keys. */
export const servicesSchema = strictObject({
  session: z
    .discriminatedUnion(
      "backend",
      [strictObject({ ...files, durability: z.enum(["synced", "flushed"]).default("synced") }), postgres],
      { error: "unknown backend; expected filesystem or postgres" },
    )
    .prefault({}),
  memory: z
    .discriminatedUnion("backend", [filesystem, postgres], {
      error: "unknown backend; expected filesystem or postgres",
    })
    .optional(),
  artifacts: z.discriminatedUnion("backend", [filesystem, postgres, s3], knownBackends).optional(),
  /** The same as `artifacts`. */
  artifact: z.discriminatedUnion("backend", [filesystem, postgres, s3], knownBackends).optional(),
  bus: z
    .discriminatedUnion(
      "backend",
      [
        strictObject({ backend: z.literal("auto").default("auto") }),
        strictObject({ backend: z.literal("memory") }),
        strictObject({ backend: z.literal("postgres") }),
        strictObject({ backend: z.literal("redis"), url: secretText }),
      ],
      { error: "unknown backend; expected auto, memory, postgres or redis" },
    )
    .prefault({}),
});
