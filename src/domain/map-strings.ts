/** What lies deeper is replaced whole: nothing we write nests like that. */
const depthMax = 256;

/**
 * A value with `change` applied to every string and key in it, at any depth of arrays and plain objects; uncopied where
 * nothing changed. Keys that become equal keep the last value. `tooDeep` stands for what contains itself or lies deeper
 * than 256 levels.
 */
export function mapStrings(value: unknown, change: (text: string) => string, tooDeep: string): unknown {
  return mapped(value, change, tooDeep, []);
}

function mapped(
  value: unknown,
  change: (text: string) => string,
  tooDeep: string,
  parents: readonly object[],
): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null) return value;
  if (parents.length === depthMax || parents.includes(value)) return tooDeep;
  const inside = [...parents, value];
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item) => mapped(item, change, tooDeep, inside));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isPlain(value)) return value;
  const before = Object.entries(value);
  const after = before.map(([key, item]) => [change(key), mapped(item, change, tooDeep, inside)] as const);
  const changed = after.some(([key, item], index) => key !== before[index]?.[0] || item !== before[index][1]);
  return changed ? Object.fromEntries(after) : value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
