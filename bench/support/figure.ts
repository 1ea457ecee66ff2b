import type { Row } from "../row.ts";

/** A figure as it was measured; `peer` is a limit or a peer of the same run. */
export type Figure = { what: string; ours: number; unit: string; note?: string };
export type Compared = Figure & { peer: { name: string; value: number } };

/** A figure that must not exceed `max`, in its own unit. */
export function noMoreThan(max: number, { what, ours, unit, note }: Figure): Row {
  return { what, ours: text(ours, unit), peer: note ?? "", ratio: ours / max, goal: `≤ ${max} ${unit}`.trim(), ok: ours <= max };
}

/** A figure that must not exceed `factor` times its peer's. */
export function noMoreThanTimes(factor: number, figure: Compared): Row {
  const ratio = figure.ours / figure.peer.value;
  return { ...compared(figure), ratio, goal: `≤ ${factor}`, ok: ratio <= factor };
}

/** A figure that must reach `factor` times its peer's. */
export function noLessThanTimes(factor: number, figure: Compared): Row {
  const ratio = figure.ours / figure.peer.value;
  return { ...compared(figure), ratio, goal: `≥ ${factor}`, ok: ratio >= factor };
}

const compared = ({ what, ours, unit, peer, note }: Compared) => ({
  what,
  ours: text(ours, unit),
  peer: `${text(peer.value, unit)} ${peer.name}${note === undefined ? "" : `; ${note}`}`,
});

const text = (value: number, unit: string): string =>
  `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${unit}`.trim();
