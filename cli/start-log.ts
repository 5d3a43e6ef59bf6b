import type { LoggingConfig } from './deps.ts'
import type { CliIO } from './io.ts'
import { createLog, type Log, parseLogLevel } from './log.ts'
import { packageVersion } from './version.ts'

/**
 * The log of a command that runs on, on stdout unless the configuration says otherwise; its first line says what runs.
 * @param flag the value of -log-level; empty: $LOG_LEVEL, then the configuration's
 */
export async function startLog(io: CliIO, flag: string, config?: LoggingConfig): Promise<Log> {
  const word = flag || io.env.LOG_LEVEL || (config?.level ?? 'info')
  const level = parseLogLevel(word)
  const log = createLog({
    output: config?.stderr ? io.stderr : io.stdout,
    level: level ?? 'info',
    now: io.now,
    form: config?.type ?? 'text',
    source: config?.source ?? false,
  })
  log.info('litetap', { version: await packageVersion(), level: (level ?? 'info').toUpperCase() })
  if (level === undefined) log.warn('unknown log level, using info', { level: word })
  return log
}
