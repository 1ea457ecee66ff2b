import { z } from "zod";

/** A body that is not the API's own JSON: its bytes as they came, and what they are said to be. */
export type Upload = { readonly media: string; readonly bytes: Uint8Array };

/** The `body` of a route that declares its `media`. */
export const uploadSchema = z.custom<Upload>();

/** What one media type holds, for the OpenAPI document; without `bytesMax` at most `server.max_body_bytes`. */
export type MediaDeclaration = { readonly schema: z.ZodType; readonly bytesMax?: number };
