/** Values that go with a log line, by name. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where the writer reports what it does. Failures are thrown, not logged, unless the work goes on in spite of them. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
