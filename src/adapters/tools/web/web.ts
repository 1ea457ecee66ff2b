import { z } from "zod";

import type { Tool, ToolContext } from "../../../ports/tool.ts";
import type { ToolResult } from "../../../schema/session-event.ts";
import { strictObject } from "../../../schema/strict-object.ts";
import { defineTool, errorResult, okResult } from "../define-tool.ts";
import type { ToolParts } from "../parts.ts";
import { createAddressGuard, type AddressGuard } from "./address-guard.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import { htmlToMarkdown } from "./html-to-markdown.ts";
import { pageBytesMax, readPage } from "./page-text.ts";
import { searchWeb, type SearchHit } from "./search-providers.ts";

/** For one search or fetch in all: names, connections, redirects, reading and conversion. */
const webTimeoutMs = 30_000;
const conversionTimeoutMs = 10_000;
const resultCharactersMax = 256 * 1024;
const descriptionCharactersMax = 1000;

const webArguments = z.discriminatedUnion("action", [
  strictObject({
    action: z.literal("search"),
    query: z.string().trim().min(1).max(1000).describe("For search: what to look for"),
    count: z.int().min(1).max(20).optional().describe("For search: how many results, 1 to 20 (5)"),
  }),
  strictObject({
    action: z.literal("fetch"),
    url: z.string().min(1).max(8192).describe("For fetch: an http or https URL of the public internet"),
  }),
]);

type WebParts = Pick<ToolParts, "web" | "version" | "clock">;

/** Searches the web, and reads public pages as Markdown. `guard`: without one that of `web.allow_private`. */
export function webTool(
  parts: WebParts,
  guard: AddressGuard = createAddressGuard(() => parts.web()?.allow_private ?? false),
): Tool {
  const userAgent = `Duragent/${parts.version}`;
  return defineTool({
    name: "web",
    description: "Search the web, or fetch one page of the public internet as Markdown.",
    arguments: webArguments,
    effect: "pure",
    parallelSafe: true,
    run: (given, context) =>
      within(parts, context, async (signal) => {
        if (given.action === "fetch") return await fetchPage(guard, given.url, userAgent, signal);
        const settings = parts.web()?.search;
        if (!settings)
          return errorResult(
            "There is no search provider here: whoever runs this server can set one with the key web.search in duragent.yaml (brave, searxng or tavily).",
          );
        const hits = await searchWeb({ query: given.query, count: given.count ?? 5, settings, userAgent, signal });
        return okResult(hits.length === 0 ? "Nothing was found." : hits.map(hitText).join("\n\n"));
      }),
  });
}

async function within(
  { clock }: WebParts,
  context: ToolContext,
  work: (signal: AbortSignal) => Promise<ToolResult>,
): Promise<ToolResult> {
  const late = new AbortController();
  const disarm = clock.after(webTimeoutMs, () => late.abort(new Error(`no answer within ${webTimeoutMs / 1000} s`)));
  try {
    return await work(AbortSignal.any([context.signal, late.signal]));
  } catch (error) {
    if (context.signal.aborted) return { success: false, outcome: "cancelled", content: "The call was cancelled." };
    if (late.signal.aborted)
      return { success: false, outcome: "timeout", content: `There was no answer within ${webTimeoutMs / 1000} s.` };
    return errorResult(`This did not work: ${reasonOf(error)}.`);
  } finally {
    disarm();
  }
}

async function fetchPage(guard: AddressGuard, from: string, userAgent: string, signal: AbortSignal) {
  const headers = new Headers({ "user-agent": userAgent, accept: "text/html, text/*;q=0.9, */*;q=0.5" });
  const { url, response } = await guardedFetch(guard, from, { headers, signal });
  const page = await readPage(response);
  const source = `Source: ${url}\n`;
  const status = response.ok ? "" : `The server answered ${response.status}.\n`;
  if (page.kind === "binary") {
    const size = page.sizeBytes === null ? "unknown size" : `${page.sizeBytes} bytes`;
    return errorResult(`${source}${status}This is ${page.type} (${size}), which is not text, so it was not read.`);
  }
  const shown =
    page.kind === "html"
      ? await htmlToMarkdown(page.text, { baseUrl: url, timeoutMs: conversionTimeoutMs, signal })
      : { text: page.text, isConverted: true };
  const isCut = shown.text.length > resultCharactersMax;
  const notes = [
    ...(shown.isConverted ? [] : ["[The page could not be converted: this is its text without the markup.]"]),
    ...(page.isWhole ? [] : [`[Only the first ${pageBytesMax / 1024 / 1024} MiB of the page were read.]`]),
    ...(isCut ? [`[Cut: the first ${resultCharactersMax} of ${shown.text.length} characters.]`] : []),
  ];
  const content = [source + status, shown.text.slice(0, resultCharactersMax), ...notes].join("\n");
  return response.ok ? okResult(content) : errorResult(content);
}

function hitText({ title, url, description }: SearchHit, index: number): string {
  const about = withoutMarkup(description).slice(0, descriptionCharactersMax);
  return [`${index + 1}. ${withoutMarkup(title)}`, `   ${url}`, ...(about === "" ? [] : [`   ${about}`])].join("\n");
}

const withoutMarkup = (text: string): string =>
  text
    .replaceAll(/<[^<>]*>/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();

/** The innermost sentence: the outer ones of Node only say that something failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
