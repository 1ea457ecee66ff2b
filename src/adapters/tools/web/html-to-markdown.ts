import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { Turnstile } from "../turnstile.ts";

const task = "duragent-html-to-markdown";
const memoryMiBMax = 192;
/** Of all sessions. */
const atOnceMax = 2;
const turnstile = new Turnstile(atOnceMax);

type Bounds = { baseUrl: string; timeoutMs: number; signal?: AbortSignal };
type Converted = { text: string; isConverted: boolean };

/**
 * HTML as Markdown. The page is hostile until proven otherwise (200,000 nested tags keep the converter busy for minutes), so it
 * runs in a thread with a bound on time and memory; where that is not enough, the text without its tags comes back, and
 * `isConverted` is false. Links are whole URLs. Waits until there is a place for one more; `timeoutMs` begins then.
 */
export async function htmlToMarkdown(html: string, bounds: Bounds): Promise<Converted> {
  const leave = await turnstile.enter(bounds.signal);
  try {
    return await converted(html, bounds);
  } finally {
    leave();
  }
}

async function converted(html: string, bounds: Bounds): Promise<Converted> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  // This very file, so that the thread finds it in the sources and in the compiled package alike.
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { task, html, baseUrl: bounds.baseUrl },
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMiBMax, stackSizeMb: 4 },
  });
  const giveUp = (): void => resolve(null);
  const timer = setTimeout(giveUp, bounds.timeoutMs);
  bounds.signal?.addEventListener("abort", giveUp, { once: true });
  worker.on("message", (message: unknown) => resolve(typeof message === "string" ? message : null));
  worker.on("error", giveUp);
  worker.on("exit", giveUp);
  try {
    const markdown = await promise;
    bounds.signal?.throwIfAborted();
    return markdown === null ? { text: withoutTags(html), isConverted: false } : { text: markdown, isConverted: true };
  } finally {
    clearTimeout(timer);
    bounds.signal?.removeEventListener("abort", giveUp);
    await worker.terminate();
  }
}

/** In time that grows with the length only, whatever the text. */
function withoutTags(html: string): string {
  return html
    .replaceAll(/<(script|style|noscript|template)\b[^<>]*>[^<]*(?:<(?!\/\1)[^<]*)*/gi, " ")
    .replaceAll(/<[^<>]*>/g, " ")
    .replaceAll(/[^\S\n]+/g, " ")
    .replaceAll(/ ?\n ?/g, "\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

/** Of an element, what is asked of it here: the types of the DOM are those of browsers. */
type Markup = { nodeName: string; getAttribute(name: string): string | null };

async function convertInThread(html: string, baseUrl: string): Promise<void> {
  const { default: TurndownService } = await import("turndown");
  const turndown = new TurndownService({ headingStyle: "atx", codeBlockStyle: "fenced", bulletListMarker: "-" });
  turndown.remove(["script", "style", "noscript", "template", "iframe", "object", "embed"]);
  // Pictures inside the page are kilobytes of base64 that no model can see.
  turndown.addRule("picture", {
    filter: (node: Markup) => node.nodeName === "IMG" && (node.getAttribute("src") ?? "").startsWith("data:"),
    replacement: (_content: string, node: Markup) => `[image: ${node.getAttribute("alt") ?? ""}]`,
  });
  turndown.addRule("link", {
    filter: (node: Markup) => node.nodeName === "A" && node.getAttribute("href") !== null,
    replacement(content: string, node: Markup) {
      const url = URL.parse(node.getAttribute("href") ?? "", baseUrl);
      const leads = url !== null && url.protocol !== "javascript:" && content.trim() !== "";
      return leads ? `[${content}](${url.href})` : content;
    },
  });
  parentPort?.postMessage(turndown.turndown(html));
}

const given: unknown = workerData;
if (!isMainThread && typeof given === "object" && given !== null && Reflect.get(given, "task") === task) {
  await convertInThread(String(Reflect.get(given, "html")), String(Reflect.get(given, "baseUrl")));
}
