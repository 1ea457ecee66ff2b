import { z } from "zod";

import type { Config } from "../../../schema/config.ts";
import { readPage } from "./page-text.ts";

type SearchSettings = NonNullable<NonNullable<Config["web"]>["search"]>;
export type SearchHit = { title: string; url: string; description: string };

type Search = { query: string; count: number; settings: SearchSettings; userAgent: string; signal: AbortSignal };
type Question = { query: string; count: number; key: string };

/** What to ask a provider, and how to read its answer. */
type Provider = {
  /** Without it the operator has to say where. */
  baseUrl?: string;
  needsKey: boolean;
  request(baseUrl: string, question: Question): Request;
  answer: z.ZodType<SearchHit[]>;
};

const queryOf = (values: Record<string, string>): string => new URLSearchParams(values).toString();

const textOr = z
  .string()
  .nullish()
  .transform((text) => text ?? "");
const contentHits = z
  .object({ results: z.array(z.object({ title: textOr, url: z.string(), content: textOr })).default([]) })
  .transform(({ results }) => results.map(({ title, url, content }) => ({ title, url, description: content })));

const providers: Readonly<Record<SearchSettings["provider"], Provider>> = {
  // https://api-dashboard.search.brave.com/app/documentation/web-search
  brave: {
    baseUrl: "https://api.search.brave.com",
    needsKey: true,
    request: (baseUrl, { query, count, key }) =>
      new Request(`${baseUrl}/res/v1/web/search?${queryOf({ q: query, count: String(count) })}`, {
        headers: { "x-subscription-token": key },
      }),
    answer: z
      .object({
        web: z
          .object({ results: z.array(z.object({ title: textOr, url: z.string(), description: textOr })).default([]) })
          .nullish(),
      })
      .transform(({ web }) => web?.results ?? []),
  },
  // https://docs.searxng.org/dev/search_api.html; its server has to have the format "json" switched on.
  searxng: {
    needsKey: false,
    request: (baseUrl, { query, key }) =>
      new Request(`${baseUrl}/search?${queryOf({ q: query, format: "json" })}`, {
        headers: key === "" ? {} : { authorization: `Bearer ${key}` },
      }),
    answer: contentHits,
  },
  // https://docs.tavily.com/documentation/api-reference/endpoint/search
  tavily: {
    baseUrl: "https://api.tavily.com",
    needsKey: true,
    request: (baseUrl, { query, count, key }) =>
      new Request(`${baseUrl}/search`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
        body: JSON.stringify({ query, max_results: count }),
      }),
    answer: contentHits,
  },
};

/** Asks the provider of `web.search`. Its address is the operator's choice and is not guarded. Throws with a sentence that says what to do. */
export async function searchWeb(search: Search): Promise<SearchHit[]> {
  const { settings, signal, userAgent } = search;
  const provider = providers[settings.provider];
  const baseUrl = settings.base_url ?? provider.baseUrl;
  if (baseUrl === undefined)
    throw new Error(`${settings.provider} needs web.search.base_url in duragent.yaml: the address of your server`);
  const key = settings.api_key?.reveal() ?? "";
  if (provider.needsKey && key === "")
    throw new Error(`${settings.provider} needs web.search.api_key in duragent.yaml`);

  const request = provider.request(baseUrl.replace(/\/+$/, ""), { query: search.query, count: search.count, key });
  request.headers.set("accept", "application/json");
  request.headers.set("user-agent", userAgent);
  // A redirect would take the key along to wherever it leads.
  const response = await fetch(request, { signal, redirect: "error" });
  const page = await readPage(response);
  if (!response.ok) throw new Error(`${settings.provider} answered ${response.status}${reasonIn(response.status)}`);
  const parsed = page.kind === "binary" ? undefined : provider.answer.safeParse(jsonOf(page.text));
  if (!parsed?.success) throw new Error(`the answer of ${settings.provider} is not what its documentation says`);
  return parsed.data.slice(0, search.count);
}

function reasonIn(status: number): string {
  if (status === 401 || status === 403) return ": it does not accept web.search.api_key, or does not offer JSON";
  return status === 429 ? ": too many searches for now; try again later" : "";
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON is as wrong as JSON of another shape.
    return undefined;
  }
}
