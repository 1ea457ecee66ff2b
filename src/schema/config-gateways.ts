import { z } from "zod";

import { Secret, secretText } from "./secret.ts";
import { strictObject } from "./strict-object.ts";
import { credentialsFault, hasNoCredentials } from "./url-credentials.ts";

const text = z.string().min(1);
const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i, "expected 1 to 63 letters, digits, _ or -");

const externalGateway = strictObject({
  name,
  command: text,
  args: z.array(z.string()).default([]),
  env: z
    .record(z.string(), z.string())
    .default({})
    .transform((env) => new Secret(env)),
  /** Handed to the gateway as it is. */
  config: z
    .record(z.string(), z.json())
    .default({})
    .transform((config) => new Secret(config)),
  restart: z.enum(["always", "on_failure", "never"]).default("on_failure"),
});
export type ExternalGateway = z.infer<typeof externalGateway>;

/** Short for an external gateway that comes with the program. */
const bundledGateway = strictObject({ enabled: z.boolean().default(true), bot_token: secretText.optional() });

export const gatewaysSchema = strictObject({
  http: strictObject({
    enabled: z.boolean().default(true),
    /** The same as `server.port`. */
    port: z.int().min(0).max(65_535).optional(),
  }).prefault({}),
  cli: strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  external: z.array(externalGateway).default([]),
  telegram: bundledGateway.optional(),
  discord: bundledGateway.optional(),
}).superRefine((gateways, context) => {
  const seen = new Set<string>();
  for (const [index, { name: taken }] of gateways.external.entries()) {
    if (seen.has(taken)) {
      context.addIssue({
        code: "custom",
        path: ["external", index, "name"],
        message: `a second gateway named "${taken}"`,
      });
    }
    seen.add(taken);
  }
  if (!gateways.http.enabled && !gateways.cli.enabled) {
    context.addIssue({
      code: "custom",
      path: ["cli", "enabled"],
      message: "gateways.http and gateways.cli are both off, so nothing could reach the server; leave one on",
    });
  }
});

/** First match wins; all given conditions must hold. */
export const routesSchema = z.array(
  strictObject({
    match: strictObject({
      gateway: text.optional(),
      chat_type: text.optional(),
      chat_id: text.optional(),
      sender_id: text.optional(),
    }).prefault({}),
    agent: text,
  }),
);

const webhook = strictObject({
  webhook: z
    .url({ protocol: /^https?$/, error: "expected an http or https URL" })
    .refine(hasNoCredentials, { message: credentialsFault }),
  secret: secretText.optional(),
});
const chat = strictObject({ gateway: text, chat_id: text });

/** Where what must reach a human goes. */
export const notifySchema = strictObject({
  default: text.optional(),
  channels: z
    .record(
      z.string(),
      z.union([webhook, chat], { error: 'expected a channel: "webhook", or "gateway" and "chat_id"' }),
    )
    .default({}),
}).superRefine((notify, context) => {
  if (notify.default !== undefined && !Object.hasOwn(notify.channels, notify.default)) {
    context.addIssue({ code: "custom", path: ["default"], message: `no channel is named "${notify.default}"` });
  }
});
