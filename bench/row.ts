/** One line of the table that `npm run bench` prints. */
export type Row = {
  what: string;
  ours: number;
  /** Of `ours` and `peer`: `ms`, `turns/s`, `KiB`, … */
  unit: string;
  /** The limit or peer measured in the same run; absent where the goal is an absolute figure. */
  peer?: { name: string; value: number };
  /** In words, as it is printed. */
  goal: string;
  met: boolean;
  /** What a reader needs to judge the figure. */
  note?: string;
  /** Printed where the goal is missed. */
  why?: string;
};

type Measured = Omit<Row, "goal" | "met">;

/** A figure that explains others: there is no goal for it. */
export function told(row: Measured): Row {
  return { ...row, goal: "–", met: true };
}

/** A figure that must not exceed `max` (in its own unit). */
export function atMost(row: Measured, max: number): Row {
  return { ...row, goal: `≤ ${max} ${row.unit}`.trim(), met: row.ours <= max };
}

/** A figure that must not exceed `factor` times its peer's. */
export function atMostTimes(row: Measured & Required<Pick<Row, "peer">>, factor: number): Row {
  return { ...row, goal: `≤ ${factor} × ${row.peer.name}`, met: row.ours <= factor * row.peer.value };
}

/** A figure that must reach `share` (0…1) of its peer's. */
export function atLeastShare(row: Measured & Required<Pick<Row, "peer">>, share: number): Row {
  return {
    ...row,
    goal: `≥ ${Math.round(share * 100)} % of ${row.peer.name}`,
    met: row.ours >= share * row.peer.value,
  };
}
