import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { Program, repository } from "../support/program.ts";
import { until } from "../support/until.ts";
import { workspace } from "./workspaces.ts";

/** As its README names it, from the folder of duragent.yaml. */
const gateway = "examples/gateway-in-python/gateway.py";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Somebody with a terminal at the chat; tries until the gateway is there. */
async function arrives(t: TestContext, port: number, name: string) {
  const seen = { text: "" };
  const dial = () =>
    new Promise<ReturnType<typeof connect> | null>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket)).on("error", () => resolve(null));
    });
  let socket = await dial();
  await until("the chat is open", async () => (socket ??= await dial()) !== null, 30_000);
  const open = socket;
  if (!open) throw new Error("the chat is not open");
  t.after(() => open.destroy());
  open.on("data", (chunk: Buffer) => (seen.text += chunk.toString()));
  const says = (line: string): void => void open.write(`${line}\n`);
  const hears = (words: string): Promise<void> => until(words, () => seen.text.includes(words), 30_000);
  says(name);
  await hears("welcome");
  return { says, hears, seen };
}

/** Where there is none, this says so loudly instead of a test that passes for nothing. */
function hasPython(): boolean {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

if (!hasPython()) console.error("WARNING: there is no python3: THE EXAMPLE gateway-in-python IS NOT TRIED");
else
  test("the example in Python joins people to an agent, alone and in a room, also after it was killed", async (t) => {
    const { folder: cwd } = await workspace(t, {
      "echo/agent.yaml":
        "name: echo\nmodel: { provider: scripted, name: ./script.yaml }\n" +
        "access: { dm: { queue: { debounce: { enabled: false } } }, groups: { queue: { debounce: { enabled: false } } } }\n",
    });
    await cp(join(repository, gateway), join(cwd, gateway));
    const port = await freePort();
    const external = [{ name: "tcp", command: "python3", args: [gateway], config: { port }, restart: "always" }];
    await writeFile(join(cwd, "duragent.yaml"), JSON.stringify({ gateways: { external }, server: { port: 0 } }));
    const server = new Program(["serve"], { cwd });
    t.after(() => server.child.kill("SIGKILL"));
    await server.shows(/listens on/);

    const ann = await arrives(t, port, "ann");
    ann.says("hello there");
    await ann.hears("heard: hello there");

    const [bob, cid] = [await arrives(t, port, "bob #garden"), await arrives(t, port, "cid #garden")];
    bob.says("nice tulips");
    await cid.hears("bob: nice tulips");
    bob.says("@bot water them");
    await cid.hears("water them\n");
    await bob.hears("heard: ");
    assert.equal(bob.seen.text.includes("heard: bob: nice tulips"), false);

    const [, pid] = await server.shows(/"pid":(\d+),"program":\{"gateway":"tcp-chat"/);
    process.kill(Number(pid), "SIGKILL");
    // Until it is gone its port still takes connections.
    await server.shows(/gateway has ended and is started again/);
    const again = await arrives(t, port, "ann");
    again.says("still there?");
    await again.hears("heard: still there?");
    server.child.kill("SIGTERM");
    await server.exit;
  });
