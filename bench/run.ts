import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Row } from "./row.ts";

/** Every figure; each file measures its own. */
const figures: Readonly<Record<string, () => Promise<{ run(): Promise<Row[]> }>>> = {
  append: () => import("./append.ts"),
  "open-session": () => import("./open-session.ts"),
  attach: () => import("./attach.ts"),
  "many-sessions": () => import("./many-sessions.ts"),
  turn: () => import("./turn.ts"),
  throughput: () => import("./throughput.ts"),
  syncs: () => import("./syncs.ts"),
  "long-session": () => import("./long-session.ts"),
  "sse-fanout": () => import("./sse-fanout.ts"),
  "idle-clients": () => import("./idle-clients.ts"),
  "idle-sessions": () => import("./idle-sessions.ts"),
  start: () => import("./start.ts"),
  gateway: () => import("./gateway.ts"),
};

const results = new URL("results/", import.meta.url).pathname;

const number = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

function cells({ what, ours, unit, peer, goal, met, note, why }: Row): string[] {
  return [
    what,
    `${number(ours)} ${unit}`.trim(),
    peer ? `${number(peer.value)} (${peer.name})` : "",
    peer ? number(ours / peer.value) : "",
    goal,
    met ? "yes" : "NO",
    [note, met ? undefined : why].filter((text) => text !== undefined).join("; "),
  ];
}

function print(rows: readonly Row[]): void {
  const table = [["what", "ours", "limit or peer", "ratio", "goal", "met", "note"], ...rows.map(cells)];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of table)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in figures));
if (unknown.length > 0) {
  console.error(`no such figure: ${unknown.join(", ")}; there are: ${Object.keys(figures).join(", ")}`);
  process.exit(64);
}
await mkdir(results, { recursive: true });
const all: Row[] = [];
for (const [name, load] of Object.entries(figures)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.error(`measuring ${name} …`);
  const rows = await (await load()).run();
  await writeFile(
    join(results, `${name}.json`),
    `${JSON.stringify({ figure: name, node: process.version, rows }, null, 2)}\n`,
  );
  all.push(...rows);
}
print(all);
