import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTripwire } from "node:net";
import type { TestContext } from "node:test";

import type { ToolContext } from "../../../../src/ports/tool.ts";
import { toolContext } from "../../../support/tool-context.ts";

type Ending = Pick<TestContext, "after">;

/** A web server on an address of this machine; 127.0.0.0/8 is all its own on Linux. */
export async function localServer(test: Ending, address: string, answer: RequestListener): Promise<{ port: number }> {
  const server: Server = createServer(answer).listen(0, address);
  await once(server, "listening");
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: portOf(server.address()) };
}

/** Counts whoever connects, at 127.0.0.1 and, where there is one, at ::1 on the same port. */
export async function tripwire(test: Ending): Promise<{ port: number; connections(): number }> {
  let connections = 0;
  const listen = async (port: number, address: string): Promise<number> => {
    const server = createTripwire((socket) => {
      connections += 1;
      socket
        .on("error", () => undefined)
        .end("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nsecret of this machine");
    }).listen(port, address);
    await once(server, "listening");
    test.after(() => void server.close());
    return portOf(server.address());
  };
  const port = await listen(0, "127.0.0.1");
  await listen(port, "::1").catch(() => console.warn("there is no ::1 here: the tripwire listens at 127.0.0.1 only"));
  return { port, connections: () => connections };
}

function portOf(address: ReturnType<Server["address"]>): number {
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

/** Of a call, what the tools of these tests look at. */
export function callContext(signal: AbortSignal = new AbortController().signal): ToolContext & { output: string[] } {
  const output: string[] = [];
  return { ...toolContext({ signal, onOutput: (text) => void output.push(text) }), output };
}
