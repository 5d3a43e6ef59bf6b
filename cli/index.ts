export type { CliIO, Output, SignalName } from './io.ts'
export { run } from './run.ts'
