import { get, type IncomingMessage } from "node:http";

export function open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, resolve).on("error", reject);
  });
}

/** Resolves when the server says that it is ready. */
export async function isReady(url: string): Promise<void> {
  for (;;) {
    const response = await open(`${url}/readyz`);
    response.resume();
    if (response.statusCode === 200) return;
  }
}

/** A stream of events that is read to the first occurrence of `mark`; it stays open. */
export async function streamUntil(url: string, mark: string): Promise<IncomingMessage> {
  const response = await open(url, { accept: "text/event-stream" });
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  let text = "";
  await new Promise<void>((resolve, reject) => {
    response.setEncoding("utf8").on("data", function read(chunk: string) {
      text += chunk;
      if (!text.includes(mark)) return;
      response.off("data", read);
      resolve();
    });
    response.on("end", () => reject(new Error(`${url} ended before ${mark}: ${text.slice(-300)}`)));
    response.on("error", reject);
  });
  return response;
}
