import type { Config } from "../../schema/config.ts";
import { Secret } from "../../schema/secret.ts";

const reloadable = [
  "defaultAgent",
  "routes",
  "limits",
  "logging",
  "models",
  "session",
] as const satisfies readonly (keyof Config)[];

export type Reloaded = {
  readonly config: Config;
  /** What took effect, as the file spells it. */
  readonly applied: readonly string[];
  /** What differs in the file and holds only after a restart. */
  readonly needRestart: readonly string[];
};

/** A running server's configuration after its file has changed: some keys apply at once, the others keep their value. */
export function applyReload(current: Config, next: Config): Reloaded {
  const keys = new Set([...Object.keys(current), ...Object.keys(next)]);
  const changed = [...keys].filter((key) => fingerprint(member(current, key)) !== fingerprint(member(next, key)));
  const isReloadable = (key: string) => reloadable.some((name) => name === key);
  const { limits: _, defaultAgent: _agent, ...rest } = current;
  return {
    config: {
      ...rest,
      routes: next.routes,
      ...(next.defaultAgent === undefined ? {} : { defaultAgent: next.defaultAgent }),
      ...(next.limits === undefined ? {} : { limits: next.limits }),
      logging: next.logging,
      models: next.models,
      session: next.session,
    },
    applied: changed.filter(isReloadable).map(asWritten),
    needRestart: changed.filter((key) => !isReloadable(key)).map(asWritten),
  };
}

/** As the file spells it. */
const asWritten = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const member = (config: Config, key: string): unknown => Object.entries(config).find(([name]) => name === key)?.[1];

// Compared with secrets revealed: a new key must not look like the old one.
function fingerprint(value: unknown): string {
  return JSON.stringify(revealed(value)) ?? "";
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return { secret: revealed(value.reveal()) };
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, revealed(inner)]),
  );
}
