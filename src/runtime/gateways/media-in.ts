import type { IncomingMedia } from "@duragent/gateway-protocol";

import { artifactNameFor, fileLine, line } from "../../domain/gateways/incoming-file.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { MissingFile, type IncomingFiles } from "../../ports/incoming-files.ts";
import type { Log } from "../../ports/telemetry.ts";
import type { DescribeMessage, MessageEvent } from "./router-parts.ts";

/** Files of one message that are kept; those after them are named only. */
const filesMax = 10;

type Parts = {
  readonly artifacts: Pick<ArtifactStore, "put">;
  readonly files: IncomingFiles;
  readonly log: Log;
  /** SHA-256 of a text, 64 hex digits. */
  digest(text: string): string;
};
type Place = Parameters<DescribeMessage>[1];

/** Makes the text of messages, and artifacts of their files. */
export function createDescribeMessage(parts: Parts): DescribeMessage {
  return async (message, place) => {
    const { content, attachments = [] } = message;
    const files = content.type === "media" ? [content, ...attachments] : attachments;
    const texts = [contentText(content), ...files.slice(1).map(({ caption }) => caption ?? "")];
    const lines: string[] = [];
    for (const [index, media] of files.entries()) lines.push(await fileText(parts, message, { media, index, place }));
    return [...texts, ...lines].filter((text) => text.trim() !== "").join("\n");
  };
}

function contentText(content: MessageEvent["content"]): string {
  switch (content.type) {
    case "text":
      return content.text;
    case "media":
      return content.caption ?? "";
    case "location":
      return `[location: latitude ${content.latitude}, longitude ${content.longitude}]`;
    case "contact":
      return `[contact: ${line(content.name)}, ${line(content.phone)}]`;
    case "unknown":
      return "[a message of a kind that is not understood here]";
  }
}

type OneFile = { readonly media: IncomingMedia; readonly index: number; readonly place: Place };

async function fileText(parts: Parts, message: MessageEvent, { media, index, place }: OneFile): Promise<string> {
  if (!place.keep) return fileLine(media, "not kept");
  if (index >= filesMax) return fileLine(media, `not kept: at most ${filesMax} files of a message are`);
  const tag = parts.digest(JSON.stringify([place.gateway, message.chat_id, message.message_id, index])).slice(0, 8);
  const name = artifactNameFor(media, tag);
  try {
    const stored = await parts.artifacts.put(place.agent, name, parts.files.read(place.gateway, media), {
      ...(media.mime_type !== undefined && { content_type: media.mime_type }),
      session_id: place.sessionId,
    });
    return fileLine(media, `artifact ${stored.name}`, stored.meta.bytes);
  } catch (error) {
    if (error instanceof MissingFile) return fileLine(media, `not available: ${error.message}`);
    // The message itself must not be lost for its file.
    parts.log.warn(
      { error, gateway: place.gateway, session_id: place.sessionId },
      "a file that came with a message could not be kept",
    );
    return fileLine(media, "not available: it could not be stored here");
  }
}
