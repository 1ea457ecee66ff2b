import type { Model } from "../../ports/model.ts";
import { createChatModel } from "./openai-chat.ts";
import { connectionSchema, ownBaseUrl, parseEntry, requireChat, type ProviderContext } from "./provider-options.ts";

export const optionsSchema = connectionSchema;

const portDefault = 11434;

/** Ollama's chat endpoint at `OLLAMA_HOST`; a key only for one that stands behind a proxy. */
export function createModel(context: ProviderContext): Model {
  requireChat(context.choice);
  const options = parseEntry(optionsSchema, context);
  const baseUrl = ownBaseUrl(context.choice, options.base_url) ?? `${ollamaHost(context.env["OLLAMA_HOST"])}/v1`;
  return createChatModel(context, { ...options, apiKey: options.api_key, baseUrl });
}

/** `OLLAMA_HOST` as Ollama reads it: a host, a host and a port, or a URL. 0.0.0.0 is what a server listens on, not a place to call. */
export function ollamaHost(value: string | undefined): string {
  const given = value?.trim();
  if (given === undefined || given === "") return `http://127.0.0.1:${portDefault}`;
  if (/^https?:\/\//.test(given)) return given.replace(/\/+$/, "").replace("//0.0.0.0", "//127.0.0.1");
  const [place = "", ...path] = given.split("/");
  const host = place.replace(/^0\.0\.0\.0(?=$|:)/, "127.0.0.1").replace(/^(?=:)/, "127.0.0.1");
  const withPort = /:\d+$/.test(host) ? host : `${host}:${portDefault}`;
  return `http://${[withPort, ...path].join("/")}`.replace(/\/+$/, "");
}
