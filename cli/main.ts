#!/usr/bin/env -S node --max-semi-space-size=1
import { processIO } from './process-io.ts'
import { run } from './run.ts'

silenceSqliteWarning()
const io = processIO()
const code = await run(process.argv.slice(2), io)
await io.flush()
// Not process.exitCode: an idle socket of an SDK must not keep a finished command alive.
process.exit(code === 0 && io.outputFailed() ? 1 : code)

/** Older Node versions announce node:sqlite as experimental on stderr; every other warning stays. */
function silenceSqliteWarning(): void {
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void
  process.emitWarning = (warning: unknown, ...rest: unknown[]) => {
    const text = warning instanceof Error ? warning.message : String(warning)
    if (!/^SQLite is an experimental feature/.test(text)) emit(warning, ...rest)
  }
}
