import { type LoadedConfig, parseConfig } from '../../../daemon/config/parse-config.ts'
import { type DaemonError, isDaemonError } from '../../../daemon/errors.ts'

export const SSE_KEY = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='
export const FILE = '/etc/litestream.yml'

/** Parse a text as the file /etc/litestream.yml, with /etc/key the one other file there is. */
export function parse(text: string, env?: Readonly<Record<string, string>>): LoadedConfig {
  const readText = (path: string): string => {
    if (path === '/etc/key') return `${SSE_KEY}\n`
    throw new Error('no such file')
  }
  const lookup = env && ((name: string) => env[name])
  return parseConfig(text, { path: FILE, cwd: '/here', home: '/home/me', readText, ...(lookup && { lookup }) })
}

/** The lines of the one error that a text must end with, without the file's name. */
export function mistakesOf(text: string, env?: Readonly<Record<string, string>>): string[] {
  return refusal(text, env)
    .message.split('\n')
    .map((line) => line.slice(FILE.length + 1))
}

export function refusal(text: string, env?: Readonly<Record<string, string>>): DaemonError {
  try {
    parse(text, env)
  } catch (error) {
    if (isDaemonError(error, 'DAEMON_CONFIG')) return error
    throw error
  }
  throw new Error(`it was accepted: ${text}`)
}

/** A file with one database, of these lines (of its entry) and these (of its replica). */
export function oneDatabase(database: readonly string[], replica: readonly string[]): string {
  return [
    'dbs:',
    '  -',
    ...database.map((line) => `    ${line}`),
    '    replica:',
    ...replica.map((line) => `      ${line}`),
    '',
  ].join('\n')
}
