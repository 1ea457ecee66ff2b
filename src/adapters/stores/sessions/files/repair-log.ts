import type { RepairReport, VerifyReport } from "../../../../ports/session-store.ts";
import type { FileSystem } from "../../../../ports/file-system.ts";
import { examineLog } from "./examine-log.ts";
import { seedOf } from "./line.ts";
import type { LogEnvironment } from "./open-log.ts";
import type { SessionPaths } from "./paths.ts";

export async function verifyLog(fs: FileSystem, paths: SessionPaths, sessionId: string): Promise<VerifyReport> {
  const file = await fs.open(paths.log, "read");
  try {
    const size = await file.size();
    const examined = await examineLog(file, { seed: seedOf(sessionId), start: { kind: "beginning" }, end: size });
    const { fault } = examined;
    const problems = fault.kind === "none" ? [] : [{ file: paths.log, line: fault.line, reason: fault.reason }];
    return { sessionId: sessionId as VerifyReport["sessionId"], events: examined.lines.length, bytes: size, problems };
  } finally {
    await file.close();
  }
}

export async function repairLog(
  environment: LogEnvironment & { nowIso: string; epoch: number },
  _options: { apply: boolean; reseal: boolean },
): Promise<RepairReport> {
  const report = await verifyLog(environment.fs, environment.paths, environment.sessionId);
  return { ...report, actions: [], applied: false };
}
