import type { Program } from "./program.ts";

/** Collects the garbage of a program that was started with `--inspect`; what its live objects take then, in KiB. */
export async function collectGarbage({ inspectorUrl }: Program): Promise<number> {
  const socket = new WebSocket(inspectorUrl);
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    await ask(socket, 1, "HeapProfiler.collectGarbage");
    const usage = await ask(socket, 2, "Runtime.getHeapUsage");
    return Number(usage["usedSize"]) / 1024;
  } finally {
    socket.close();
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    socket.addEventListener("message", function hear(event) {
      const answer: { id?: number; result?: Record<string, unknown> } = JSON.parse(String(event.data));
      if (answer.id !== id) return;
      socket.removeEventListener("message", hear);
      resolve(answer.result ?? {});
    });
    socket.send(JSON.stringify({ id, method }));
  });
}
