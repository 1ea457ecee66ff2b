import { stringify } from "yaml";
import { z } from "zod";

import type { ArtifactRef } from "../../../ports/artifact-store.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import { parseYaml } from "../../../schema/parse-yaml.ts";
import { readYaml } from "../../../schema/yaml-document.ts";
import { isMissing } from "../../error-code.ts";

/** `name`: for whoever looks at the file, and for what is to be finished after a crash. */
export type StoredMeta = ArtifactRef["meta"] & { name?: string };

const metaSchema = z.object({
  name: z.string().optional(),
  content_type: z.string().min(1).max(255),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: z.string(),
  session_id: z.string().optional(),
});

/** `NAME.meta.yaml`: what is known about an artifact besides its bytes. */
export function metaBytes(meta: StoredMeta): Uint8Array {
  return new TextEncoder().encode(stringify(meta));
}

/** `null` where there is none, or none that can be read: then the artifact speaks for itself. */
export async function readMeta(fs: FileSystem, path: string): Promise<StoredMeta | null> {
  let bytes: Uint8Array;
  try {
    bytes = await fs.readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const read = readYaml(bytes, { file: path });
  const parsed = read.ok ? parseYaml(read.document, metaSchema) : read;
  if (!parsed.ok) return null;
  const { session_id: sessionId, name, ...meta } = parsed.value;
  return {
    ...(name === undefined ? {} : { name }),
    ...meta,
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
  };
}
