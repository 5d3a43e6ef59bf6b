import type { CliIO } from './io.ts'
import { createLog, type Log, parseLogLevel } from './log.ts'
import { packageVersion } from './version.ts'

/**
 * The log of a command that runs on, on stdout; its first line says what runs.
 * @param flag the value of -log-level; empty: $LOG_LEVEL
 */
export async function startLog(io: CliIO, flag: string): Promise<Log> {
  const word = flag || io.env.LOG_LEVEL || 'info'
  const level = parseLogLevel(word)
  const log = createLog({ output: io.stdout, level: level ?? 'info', now: io.now })
  log.info('litetap', { version: await packageVersion(), level: (level ?? 'info').toUpperCase() })
  if (level === undefined) log.warn('unknown log level, using info', { level: word })
  return log
}
