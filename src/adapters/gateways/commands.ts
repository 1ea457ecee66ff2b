import { lineBytesMax, type Command, type GatewayEvent } from "@duragent/gateway-protocol";

import type { GatewayAnswer, GatewayRequest } from "../../ports/gateway-host.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GatewayProcess } from "./gateway-process.ts";

/** Lines, and bytes, that wait for a gateway to read them; beyond, commands are refused at once. */
const unreadLinesMax = 1_000;
const unreadBytesMax = 4 * 1024 * 1024;
/** With acknowledgements, which are not refused: beyond, nothing more is read of what the gateway says. */
const unreadWithAcksMax = 2 * unreadLinesMax;
/** Commands that it has read and not answered. */
const unansweredMax = 1_000;
const answerMs = 60_000;

type Answer = GatewayEvent<"command_ok" | "command_error">;
type Open = { promise: Promise<GatewayAnswer>; resolve(answer: GatewayAnswer): void; disarm(): void };

/** What one run of a gateway is told, in order, and what it answers. */
export class Commands {
  readonly #process: Pick<GatewayProcess, "write" | "unreadBytes">;
  readonly #clock: Clock;
  readonly #onRead: () => void;
  readonly #open = new Map<string, Open>();
  #unreadLines = 0;

  /** `onRead`: the gateway has read something. */
  constructor(process: Pick<GatewayProcess, "write" | "unreadBytes">, clock: Clock, onRead: () => void) {
    this.#process = process;
    this.#clock = clock;
    this.#onRead = onRead;
  }

  get unread(): number {
    return this.#unreadLines;
  }

  get unanswered(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#unreadLines >= unreadWithAcksMax;
  }

  /** `false`: it does not read, or has ended. */
  tell(command: Command): boolean {
    return this.#write(JSON.stringify(command), command.type === "ack") === "written";
  }

  /** The same request asked again while it is open gets the same answer. */
  ask(request: GatewayRequest): Promise<GatewayAnswer> {
    const open = this.#open.get(request.request_id);
    if (open) return open.promise;
    const line = JSON.stringify(request);
    const bytes = Buffer.byteLength(line);
    if (bytes > lineBytesMax) {
      const detail = `the command has ${bytes} bytes, more than the ${lineBytesMax} of a line`;
      return Promise.resolve({ kind: "error", code: "invalid_request", detail });
    }
    if (this.#open.size >= unansweredMax)
      return unanswered("not_reading", `it has ${unansweredMax} commands that it has not answered`);
    const written = this.#write(line, false);
    if (written === "ended") return unanswered("ended", "its stdin is closed");
    if (written === "full") return unanswered("not_reading", `${this.#unreadLines} lines wait for it to read them`);
    const { promise, resolve } = Promise.withResolvers<GatewayAnswer>();
    const disarm = this.#clock.after(answerMs, () => {
      const detail = `it has not answered within ${answerMs / 1_000} s`;
      this.#close(request.request_id, { kind: "unanswered", why: "timeout", detail });
    });
    this.#open.set(request.request_id, { promise, resolve, disarm });
    return promise;
  }

  /** `false`: nobody asked, or not any more. */
  answered(answer: Answer): boolean {
    return this.#close(answer.request_id, answerOf(answer));
  }

  /** The run has ended. */
  close(detail: string): void {
    for (const id of this.#open.keys()) this.#close(id, { kind: "unanswered", why: "ended", detail });
  }

  #close(id: string, answer: GatewayAnswer): boolean {
    const open = this.#open.get(id);
    if (!open) return false;
    this.#open.delete(id);
    open.disarm();
    open.resolve(answer);
    return true;
  }

  #write(line: string, isAck: boolean): "written" | "full" | "ended" {
    if (!isAck && this.#unreadLines >= unreadLinesMax) return "full";
    if (!isAck && this.#process.unreadBytes + Buffer.byteLength(line) > unreadBytesMax) return "full";
    this.#unreadLines += 1;
    const read = (): void => {
      const wasFull = this.isFull;
      this.#unreadLines -= 1;
      if (wasFull) this.#onRead();
    };
    if (this.#process.write(`${line}\n`, read)) return "written";
    this.#unreadLines -= 1;
    return "ended";
  }
}

const unanswered = (why: "ended" | "not_reading", detail: string): Promise<GatewayAnswer> =>
  Promise.resolve({ kind: "unanswered", why, detail });

function answerOf(answer: Answer): GatewayAnswer {
  if (answer.type === "command_ok")
    return { kind: "ok", ...(answer.message_id === undefined ? {} : { messageId: answer.message_id }) };
  const retry = answer.retry_after === undefined ? {} : { retryAfterMs: Math.ceil(answer.retry_after * 1_000) };
  return { kind: "error", code: answer.code, detail: answer.message, ...retry };
}
