import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

import { LineReader, toLine, type GatewayEvent } from "@duragent/gateway-protocol";

import { until } from "../../support/until.ts";

type Event<Type extends GatewayEvent["type"]> = Extract<GatewayEvent, { type: Type }>;

/** A gateway as a process of its own, with its stdio in the hands of a test. */
export class GatewayProgram {
  readonly child: ChildProcess;
  readonly events: Record<string, unknown>[] = [];
  readonly strayLines: string[] = [];
  log = "";
  /** The type of the event after which nothing more is read until `stdout` is resumed. */
  pausesAfter: GatewayEvent["type"] | undefined;
  readonly exited: Promise<number | NodeJS.Signals | null>;

  constructor(argv: readonly [string, ...string[]], env: Record<string, string>) {
    const [command, ...args] = argv;
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    this.child = spawn(command, args, { stdio: "pipe", env: { PATH, NODE_COMPILE_CACHE, ...env } });
    const reader = new LineReader((line) => this.#take(line));
    this.child.stdout?.on("data", (chunk: Buffer) => reader.add(chunk));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.log += chunk.toString()));
    this.child.stdin?.on("error", () => {
      // It ended while it was written to: what a test looks at is how.
    });
    this.exited = once(this.child, "close").then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
    );
  }

  send(...commands: object[]): void {
    this.raw(commands.map((command) => toLine(command)).join(""));
  }

  raw(text: string | Uint8Array): void {
    this.child.stdin?.write(text);
  }

  /** Waits for an event of the type, with the fields. */
  async heard<Type extends GatewayEvent["type"]>(
    type: Type,
    fields: Record<string, unknown> = {},
  ): Promise<Event<Type>> {
    const fits = (event: Record<string, unknown>): boolean =>
      event["type"] === type && Object.entries(fields).every(([name, value]) => event[name] === value);
    await until(`${type} ${JSON.stringify(fields)}`, () => this.events.some(fits) || this.child.exitCode !== null);
    const event = this.events.find(fits);
    if (!event) throw new Error(`ended without ${type}: ${JSON.stringify(this.events)} ${this.log}`);
    return event as Event<Type>;
  }

  of<Type extends GatewayEvent["type"]>(type: Type): Event<Type>[] {
    return this.events.filter((event) => event["type"] === type) as Event<Type>[];
  }

  #take(line: string): void {
    try {
      const event = JSON.parse(line) as Record<string, unknown>;
      this.events.push(event);
      if (event["type"] === this.pausesAfter) this.child.stdout?.pause();
    } catch {
      this.strayLines.push(line);
    }
  }
}
