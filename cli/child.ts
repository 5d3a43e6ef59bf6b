import { type ChildProcess, spawn } from 'node:child_process'
import { CliError } from './errors.ts'
import type { CliIO, SignalName } from './io.ts'
import { splitShellWords } from './shell-words.ts'

/** The command of -exec, running. */
export interface Child {
  /** Settles when it has ended; never rejects. */
  readonly ended: Promise<ChildEnd>
  signal(name: SignalName): void
}

export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Split the value of -exec; nothing is run.
 *
 * @returns at least one word
 * @throws CliError CLI_EXEC
 */
export function parseExec(line: string): readonly string[] {
  const split = splitShellWords(line)
  const hint = `litetap replicate -exec "sh -c '...'" DB_PATH REPLICA_URL`
  if ('problem' in split) throw new CliError('CLI_EXEC', `cannot parse exec command: ${split.problem}`, { hint })
  if (split.words.length === 0) throw new CliError('CLI_EXEC', 'cannot parse exec command: it is empty', { hint })
  return split.words
}

/**
 * Start the command with our own stdin, stdout and stderr.
 *
 * @throws CliError CLI_EXEC when it cannot be started
 */
export async function startChild(words: readonly string[], io: Pick<CliIO, 'env' | 'cwd'>): Promise<Child> {
  const [file, ...args] = words as [string, ...string[]]
  const child = spawn(file, args, { stdio: 'inherit', env: io.env as NodeJS.ProcessEnv, cwd: io.cwd })
  const ended = new Promise<ChildEnd>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  await started(child, file)
  return { ended, signal: (name) => void child.kill(name) }
}

/** What a child's end means for our exit code: undefined is fine, everything else is exit code 1 (facts 8.6). */
export function childError(end: ChildEnd): CliError | undefined {
  if (end.code === 0) return undefined
  return new CliError('CLI_EXEC', end.signal === null ? `exit status ${end.code}` : `signal: ${end.signal}`)
}

async function started(child: ChildProcess, file: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'no such file, or not in $PATH' : cause.message
      reject(new CliError('CLI_EXEC', `cannot start exec command "${file}": ${why}`, { cause }))
    })
  })
  child.on('error', () => {}) // a signal that could not be delivered: the child is gone, and `exit` says so
}
