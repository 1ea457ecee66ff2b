import { createHash, timingSafeEqual } from "node:crypto";

/** What an `Authorization` header is worth. */
export type Bearer = { given: false } | { given: true; api: boolean; admin: boolean };

/** Compares presented tokens with the configured ones in a time that tells nothing about either. */
export class BearerCheck {
  private readonly apiDigest: Buffer | undefined;
  private readonly adminDigest: Buffer | undefined;

  constructor(tokens: { apiToken?: string | undefined; adminToken?: string | undefined }) {
    this.apiDigest = digestOf(tokens.apiToken);
    this.adminDigest = digestOf(tokens.adminToken);
  }

  get hasApiToken(): boolean {
    return this.apiDigest !== undefined;
  }

  get hasAdminToken(): boolean {
    return this.adminDigest !== undefined;
  }

  read(authorization: string | undefined): Bearer {
    if (authorization === undefined) return { given: false };
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
    const digest = createHash("sha256").update(token).digest();
    return { given: true, api: equal(digest, this.apiDigest), admin: equal(digest, this.adminDigest) };
  }

  /** Whether a text is one of the tokens; for places where a token must never stand. */
  knows(text: string): boolean {
    const digest = createHash("sha256").update(text).digest();
    return equal(digest, this.apiDigest) || equal(digest, this.adminDigest);
  }
}

// Digests have one length: neither the content nor the length of a token shows in the time.
function digestOf(token: string | undefined): Buffer | undefined {
  return token === undefined || token === "" ? undefined : createHash("sha256").update(token).digest();
}

function equal(digest: Buffer, known: Buffer | undefined): boolean {
  return known !== undefined && timingSafeEqual(digest, known);
}
