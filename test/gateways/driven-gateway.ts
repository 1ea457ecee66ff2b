import { fileURLToPath } from "node:url";

import { temporaryFolder } from "../support/temporary-folder.ts";
import { GatewayProgram } from "./protocol/gateway-program.ts";

/** Where it is said what is to be ended: a test, or a file of tests that share something. */
export type Ends = { after(end: () => Promise<void>): void };

type Start = {
  readonly name: "telegram" | "discord" | "slack";
  readonly config: object;
  readonly env?: Record<string, string>;
  readonly dataDir?: string;
};

/** Starts the real program of a bundled gateway, as the core does; it ends with the test. */
export function startGateway(t: Ends, { name, config, env = {}, dataDir }: Start): GatewayProgram {
  const bin = new URL(`../../gateways/${name}/bin/duragent-gateway-${name}.mjs`, import.meta.url);
  const program = new GatewayProgram([process.execPath, fileURLToPath(bin)], env);
  t.after(async () => {
    program.child.kill("SIGKILL");
    await program.exited;
  });
  program.send({ type: "initialize", protocol: "v1alpha1", name, config, data_dir: dataDir });
  return program;
}

export type Driven<Platform> = {
  readonly platform: Platform;
  /** The newest. */
  program: GatewayProgram;
  /** Kills it and starts another with the same folder; `meanwhile` runs between. */
  again(meanwhile?: () => void | Promise<void>): Promise<GatewayProgram>;
};

/** A gateway that has joined the platform. */
export async function driveGateway<Platform>(
  t: Ends,
  platform: Platform,
  about: Pick<Start, "name" | "config">,
): Promise<Driven<Platform>> {
  const dataDir = await temporaryFolder(t);
  // Said once, here: what a test of a whole file's starts anew must outlive that test.
  const ends: (() => Promise<void>)[] = [];
  t.after(async () => void (await Promise.all(ends.map((end) => end()))));
  const start = async (): Promise<GatewayProgram> => {
    const program = startGateway({ after: (end) => ends.push(end) }, { ...about, dataDir });
    await program.heard("ready");
    return program;
  };
  const driven: Driven<Platform> = {
    platform,
    program: await start(),
    async again(meanwhile = () => undefined) {
      driven.program.child.kill("SIGKILL");
      await driven.program.exited;
      await meanwhile();
      driven.program = await start();
      return driven.program;
    },
  };
  return driven;
}
