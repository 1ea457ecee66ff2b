import type { GatewayAnswer, GatewayHint, GatewayHost, GatewayRequest } from "../../src/ports/gateway-host.ts";

export const allCapabilities = ["media", "edit", "delete", "typing", "reply", "inline_keyboard", "threads", "ack"];

/** Gateways that a test makes ready, takes away, and lets answer; `test` is there from the beginning. */
export class FakeGatewayHost implements Pick<GatewayHost, "isReady" | "status" | "ask" | "tell"> {
  readonly gateways = new Map<string, { ready: boolean; capabilities: readonly string[] }>([
    ["test", { ready: true, capabilities: allCapabilities }],
  ]);
  readonly asked: GatewayRequest[] = [];
  readonly told: GatewayHint[] = [];
  /** `undefined`: it works. */
  answer: (request: GatewayRequest) => GatewayAnswer | Promise<GatewayAnswer> | undefined = () => undefined;

  /** What was sent as messages, in order. */
  get texts(): string[] {
    return this.asked.flatMap((request) => (request.type === "send_message" ? [request.content] : []));
  }

  isReady(name: string): boolean {
    return this.gateways.get(name)?.ready ?? false;
  }

  status(name: string): ReturnType<GatewayHost["status"]> {
    const gateway = this.gateways.get(name);
    if (!gateway) return undefined;
    return {
      name,
      command: name,
      state: gateway.ready ? "ready" : "waiting",
      connected: gateway.ready,
      restarts: 0,
      capabilities: gateway.capabilities,
      queue: { inbound: 0, outbound: 0, unanswered: 0 },
    };
  }

  async ask(_name: string, request: GatewayRequest): Promise<GatewayAnswer> {
    this.asked.push(request);
    return (await this.answer(request)) ?? { kind: "ok", messageId: `m${this.asked.length}` };
  }

  tell(name: string, hint: GatewayHint): boolean {
    if (this.isReady(name)) this.told.push(hint);
    return this.isReady(name);
  }

  set(name: string, change: { ready?: boolean; capabilities?: readonly string[] }): void {
    this.gateways.set(name, { ...(this.gateways.get(name) ?? { ready: true, capabilities: [] }), ...change });
  }
}
