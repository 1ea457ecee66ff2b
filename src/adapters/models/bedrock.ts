import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import { z } from "zod";

import type { Model } from "../../ports/model.ts";
import { DuragentError } from "../../schema/problem.ts";
import { aiSdkModel } from "./ai-sdk-model.ts";
import {
  connectionSchema,
  findKey,
  ownBaseUrl,
  parseEntry,
  requireChat,
  type Environment,
  type ProviderContext,
} from "./provider-options.ts";

export const optionsSchema = connectionSchema.extend({ region: z.string().min(1).optional() });

/** Amazon Bedrock: a Bedrock API key, else credentials by the AWS chain (environment, profile, SSO, container, instance). */
export function createModel(context: ProviderContext): Model {
  const { choice, fetch, env } = context;
  requireChat(choice);
  const options = parseEntry(optionsSchema, context);
  const baseUrl = ownBaseUrl(choice, options.base_url);
  const apiKey = findKey(context, options.api_key, ["AWS_BEARER_TOKEN_BEDROCK"]);
  const region = options.region ?? (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"]);
  if (region === undefined || region === "") {
    throw new DuragentError(
      "unprocessable",
      `provider ${choice.provider} has no region: set AWS_REGION in the server's environment or in the .env file next to duragent.yaml, or models.providers.${choice.provider}.region in duragent.yaml`,
    );
  }
  const provider = createAmazonBedrock({
    region,
    ...(apiKey === undefined ? { credentialProvider: awsChain(env) } : { apiKey }),
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
    ...(options.headers && { headers: options.headers }),
    ...(fetch && { fetch }),
  });
  return aiSdkModel({ context, secrets: apiKey === undefined ? [] : [apiKey], languageModel: provider(choice.name) });
}

type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/** Looked up at the first call, not when the model is made: it may ask the network. */
function awsChain(env: Environment): () => Promise<Credentials> {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  // `env` may hold more than the process's own environment: what stands in .env.
  if (accessKeyId && secretAccessKey) {
    return async () => ({ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) });
  }
  let chain: (() => Promise<Credentials>) | undefined;
  return async () => {
    const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
    const profile = env["AWS_PROFILE"];
    chain ??= defaultProvider(profile ? { profile } : {});
    const found = await chain();
    const token = found.sessionToken;
    return {
      accessKeyId: found.accessKeyId,
      secretAccessKey: found.secretAccessKey,
      ...(token && { sessionToken: token }),
    };
  };
}
