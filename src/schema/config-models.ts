import { z } from "zod";

import { limitsSchema } from "./limits.ts";
import { Secret, secretText } from "./secret.ts";
import { strictObject } from "./strict-object.ts";

/** The kinds of provider that this program speaks to; a built-in provider's name is its kind. */
export const providerKinds = [
  "anthropic",
  "openai",
  "openrouter",
  "ollama",
  "bedrock",
  "google",
  "openai-compatible",
  "scripted",
  "ai-sdk",
] as const;

const providerSchema = strictObject({
  kind: z.enum(providerKinds).optional(),
  api_key: secretText.optional(),
  base_url: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }).optional(),
  headers: z
    .record(z.string(), z.string())
    .transform((headers) => new Secret(headers))
    .optional(),
  /** Bedrock's region; else the AWS chain's. */
  region: z.string().min(1).optional(),
  /** For `ai-sdk`: the provider package that the user has installed. */
  package: z
    .string()
    .regex(/^(@[a-z0-9._-]+\/)?[a-z0-9._-]+$/, "expected the name of an npm package")
    .optional(),
  limits: limitsSchema.optional(),
});

/** What is known of a provider under `models.providers`; `kind` is given for every name that is not itself a kind. */
export type ModelProviderConfig = z.infer<typeof providerSchema>;

export const modelsSchema = strictObject({
  providers: z.record(z.string(), providerSchema).default({}),
}).superRefine((models, context) => {
  for (const [name, provider] of Object.entries(models.providers)) {
    const kind = provider.kind ?? providerKinds.find((known) => known === name);
    if (kind === undefined) {
      const message = `"${name}" is not a built-in provider, so it needs "kind": ${providerKinds.join(", ")}`;
      context.addIssue({ code: "custom", path: ["providers", name], message });
    }
    if (kind === "openai-compatible" && provider.base_url === undefined) {
      context.addIssue({
        code: "custom",
        path: ["providers", name],
        message: 'an openai-compatible provider needs "base_url"',
      });
    }
    if ((kind === "ai-sdk") !== (provider.package !== undefined)) {
      const message = kind === "ai-sdk" ? 'kind ai-sdk needs "package"' : '"package" belongs to kind ai-sdk';
      context.addIssue({ code: "custom", path: ["providers", name], message });
    }
  }
});
