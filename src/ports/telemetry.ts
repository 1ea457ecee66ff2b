export type LogFields = Readonly<Record<string, unknown>>;

/** A structured log. Secrets known to the process are redacted by the adapter. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}

/** Counters and histograms by name; the adapter knows each name's help text, labels and buckets, and refuses unknown ones. */
export interface Metrics {
  add(name: string, labels?: Readonly<Record<string, string>>, value?: number): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  /** A value that is read when it is asked for; the same name and labels again replace `read`. */
  gauge(name: string, read: () => number, labels?: Readonly<Record<string, string>>): void;
}
