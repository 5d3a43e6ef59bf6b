import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import type { CliIO, SignalName } from '../../cli/io.ts'
import { run } from '../../cli/run.ts'

/** A directory of its own for one test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'litetap-cli-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface InProcess {
  readonly outcome: Promise<Outcome>
  /** What has been written so far. */
  readonly text: { stdout: string; stderr: string }
  signal(name: SignalName): void
}

export interface InProcessOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** stderr is a terminal of so many columns. */
  readonly columns?: number
  /** What comes on stdin, which is no terminal. */
  readonly input?: string
}

/** Run a command line in this process, with signals at hand. */
export function start(args: readonly string[], options: InProcessOptions = {}): InProcess {
  const text = { stdout: '', stderr: '' }
  const collect = (name: 'stdout' | 'stderr') => (more: string) => {
    text[name] += more
  }
  const listeners = new Set<(name: SignalName) => void>()
  const tty = options.columns === undefined ? { isTTY: false } : { isTTY: true, columns: options.columns }
  const io: CliIO = {
    stdout: { write: collect('stdout'), isTTY: false },
    stderr: { write: collect('stderr'), ...tty },
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    now: Date.now,
    onSignal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    isInteractive: () => false,
    inputLines: async function* () {
      yield* (options.input ?? '').split('\n')
    },
    openTerminal: () => {
      throw new Error('There is no terminal here')
    },
  }
  return {
    outcome: run(args, io).then((code) => ({ code, ...text })),
    text,
    signal: (name) => {
      for (const listener of listeners) listener(name)
    },
  }
}

/** Run a command line in this process to its end. */
export function cli(args: readonly string[], options: InProcessOptions = {}): Promise<Outcome> {
  return start(args, options).outcome
}

const MAIN = resolve(import.meta.dirname, '../../cli/main.ts')

/** Run the real program as a process of its own. */
export function spawnCli(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    text.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    text.stderr += chunk
  })
  const outcome = new Promise<Outcome & { signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: code ?? -1, signal, ...text }))
  })
  return { child, text, outcome }
}

/** Wait until something holds; it must, before the test times out. */
export async function until(what: string, condition: () => boolean, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
