import type { Clock } from "../../../ports/clock.ts";
import { DuragentError } from "../../../schema/problem.ts";
import type { AccessOptions } from "../options.ts";
import type { Area } from "./area.ts";
import { BearerCheck, type Bearer } from "./bearer.ts";
import { FailedAttempts } from "./failed-attempts.ts";
import { hostName, isLoopback, isWildcard } from "./host-name.ts";

/** What the gate looks at. `query` is what follows the `?`, `peer` the TCP peer's address: no proxy header is believed. */
export type Arrival = {
  via: "tcp" | "unix";
  peer: string;
  query: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
};

const tokenNames = new Set([
  "token",
  "access_token",
  "api_token",
  "admin_token",
  "auth_token",
  "api_key",
  "apikey",
  "authorization",
  "bearer",
]);

/** Decides before anything else is read whether a request may come in. */
export class Gate {
  private readonly options: AccessOptions;
  private readonly names: ReadonlySet<string>;
  private readonly bearers: BearerCheck;
  private readonly failures: FailedAttempts;

  constructor(options: AccessOptions, clock: Clock) {
    this.options = options;
    this.names = new Set(
      [options.host, ...options.allowedHosts]
        .map((name) => hostName(name) || name.toLowerCase())
        .filter((name) => !isWildcard(name)),
    );
    this.bearers = new BearerCheck(options);
    this.failures = new FailedAttempts(clock);
  }

  /** Throws what the caller is told. `authorized`: may also see what the API shows. */
  admit(arrival: Arrival, area: Area): { authorized: boolean } {
    if (arrival.via === "unix") {
      this.refuseTokenInQuery(arrival.query);
      this.refuseAbsent(area);
      return { authorized: true };
    }
    const bearer = this.readBearer(arrival);
    const name = hostName(headerOf(arrival, "host"));
    const valid = bearer.given && (bearer.api || bearer.admin);
    if (!valid && !this.isExempt(area) && !isLoopback(name) && !this.names.has(name)) {
      throw new DuragentError(
        "host-not-allowed",
        `This server is not known under the name that the Host header gives. Use its address, or add the name to server.allowed_hosts.`,
      );
    }
    this.refuseTokenInQuery(arrival.query);
    this.refuseForeignPage(arrival, area);
    this.refuseAbsent(area);
    return { authorized: this.authorize(arrival, area, bearer, name) };
  }

  private readBearer(arrival: Arrival): Bearer {
    const bearer = this.bearers.read(headerOf(arrival, "authorization"));
    if (!bearer.given) return bearer;
    const waitMs = this.failures.waitMs(arrival.peer);
    if (waitMs > 0) {
      throw new DuragentError("rate-limited", "Too many wrong tokens from this address; wait before trying again.", {
        retryAfterMs: waitMs,
      });
    }
    // Without any token configured there is nothing to guess.
    if (!bearer.api && !bearer.admin && (this.bearers.hasApiToken || this.bearers.hasAdminToken))
      this.failures.add(arrival.peer);
    return bearer;
  }

  private isExempt(area: Area): boolean {
    return area === "probe" || (area === "metrics" && this.options.metricsPublic);
  }

  private refuseTokenInQuery(query: string): void {
    if (query === "") return;
    for (const [name, value] of new URLSearchParams(query)) {
      if (tokenNames.has(name.toLowerCase()) || this.bearers.knows(value)) {
        throw new DuragentError(
          "token-in-url",
          "A token must not stand in a URL, where logs and histories keep it. Send it as `Authorization: Bearer …`, and replace this one.",
        );
      }
    }
  }

  // A page of another origin is refused also with a valid token: it may have been stolen from, or lent by, a browser.
  private refuseForeignPage(arrival: Arrival, area: Area): void {
    const origin = headerOf(arrival, "origin");
    if (origin !== undefined) {
      if (this.isOwnOrigin(origin, headerOf(arrival, "host")) || this.allowedOrigin(origin) !== undefined) return;
      throw new DuragentError(
        "forbidden",
        `Pages of the origin ${JSON.stringify(origin.slice(0, 200))} may not use this server. Add it to server.cors_origins if they should.`,
      );
    }
    if (headerOf(arrival, "sec-fetch-site") !== "cross-site") return;
    // A link to the documentation from elsewhere shows nothing that is private.
    if (area === "public" && headerOf(arrival, "sec-fetch-mode") === "navigate") return;
    throw new DuragentError("forbidden", "A page of another site may not use this server.");
  }

  /** What `Access-Control-Allow-Origin` says for this origin; `undefined` if it is not configured. */
  allowedOrigin(origin: string): string | undefined {
    const allowed = this.options.corsOrigins;
    return allowed.includes("*") || allowed.includes(origin) ? origin : undefined;
  }

  private isOwnOrigin(origin: string, host: string | undefined): boolean {
    return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
  }

  private refuseAbsent(area: Area): void {
    const absent =
      (area === "admin" && !this.options.adminEnabled) || (area === "metrics" && !this.options.metricsEnabled);
    if (absent) throw new DuragentError("not-found", "There is nothing here: it is switched off in duragent.yaml.");
  }

  private authorize(arrival: Arrival, area: Area, bearer: Bearer, name: string): boolean {
    const { hasApiToken, hasAdminToken } = this.bearers;
    const forAdmin = area === "admin";
    if (forAdmin && !hasAdminToken && hasApiToken) {
      throw new DuragentError(
        "forbidden",
        "Admin routes need admin.token, and none is configured; or use the server's unix socket.",
      );
    }
    const byToken = hasApiToken || hasAdminToken;
    const opens = bearer.given && (forAdmin || !hasApiToken ? bearer.admin : bearer.api);
    const local = isLoopback(arrival.peer) && isLoopback(name);
    const authorized = byToken ? opens : local;
    if (authorized || area === "public" || this.isExempt(area)) return authorized;
    if (!byToken) {
      throw new DuragentError(
        "forbidden",
        "Without a configured token this server answers only its own machine. Set server.api_token.",
      );
    }
    if (forAdmin && bearer.given && bearer.api)
      throw new DuragentError("forbidden", "This needs the admin token, not the API token.");
    throw new DuragentError(
      "unauthorized",
      bearer.given ? "The token is not the configured one." : "A token is needed: send `Authorization: Bearer …`.",
    );
  }
}

function headerOf(arrival: Arrival, name: string): string | undefined {
  const value = arrival.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
