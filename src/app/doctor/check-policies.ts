import { chmod, stat } from "node:fs/promises";
import { join } from "node:path";

import { policyProblemsIn } from "../../adapters/policy/policy-file.ts";
import { localPolicyName, policyFileName } from "../../domain/policy/file-names.ts";
import type { AgentCatalog } from "../../runtime/agents/catalog-types.ts";
import type { Config } from "../../schema/config.ts";
import type { Check } from "../../surfaces/cli/ground.ts";
import { policyFolders } from "../policy-folders.ts";

const writableByOthers = 0o002;

/** That every policy file can be read, since a broken one denies all calls, and that nobody else can write it. */
export async function checkPolicies(catalog: AgentCatalog, config: Config, fix: boolean): Promise<Check[]> {
  const folders = await policyFolders(catalog, config.dataDir, Number.POSITIVE_INFINITY);
  const checks = folders.flatMap((folder) =>
    policyProblemsIn(folder).map(({ file, line, column, message }): Check => {
      const place = [file, line, column].filter((part) => part !== undefined).join(":");
      return {
        status: "error",
        message: `${place}: ${message}`,
        remedy: "mend it there: until then every call that it decides about is denied",
      };
    }),
  );
  for (const folder of folders)
    for (const name of [policyFileName, localPolicyName]) checks.push(...(await checkMode(join(folder, name), fix)));
  return checks.length > 0 ? checks : [{ status: "ok", message: "no policy file is broken" }];
}

async function checkMode(path: string, fix: boolean): Promise<Check[]> {
  const facts = await stat(path).catch(() => null);
  if (facts === null || (facts.mode & writableByOthers) === 0) return [];
  const mode = (facts.mode & 0o777).toString(8).padStart(4, "0");
  if (fix) {
    await chmod(path, facts.mode & 0o777 & ~writableByOthers);
    return [{ status: "ok", message: `${path}: others can no longer write it (mode was ${mode})`, fixed: true }];
  }
  return [
    {
      status: "error",
      message: `${path}: mode ${mode} lets every user of this machine write what agents may do`,
      remedy: "duragent doctor --fix, or chmod o-w it",
    },
  ];
}
