import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const START_TIMEOUT_MS = 20_000

/** A server that runs in the foreground. */
export interface ServerCommand {
  readonly command: readonly [string, ...string[]]
  readonly port: number
  /** Its output goes there. */
  readonly log: string
  readonly env?: Readonly<Record<string, string>>
}

/** A running server; `signal` pauses, goes on or kills it. */
export interface ChildServer {
  readonly pid: number
  signal(name: NodeJS.Signals): void
  /** End it and all it started; resolves when it is gone. */
  stop(): Promise<void>
}

/**
 * Start a server as a child in a process group of its own and wait until it listens.
 * @throws Error with its last words
 */
export async function startChild({ command: [program, ...args], port, log, env }: ServerCommand): Promise<ChildServer> {
  const output = await open(log, 'a')
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
  })
  await output.close()
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  failed.catch(() => {})
  const kill = (): void => end(child, 'SIGKILL')
  process.once('exit', kill) // also when a test run is cut short
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await Promise.race([accepts(port), failed]))) {
    if (child.exitCode === null && child.signalCode === null && Date.now() < deadline) await sleep(20)
    else {
      kill()
      throw new Error(`${program} did not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
    }
  }
  return {
    pid: child.pid!,
    signal: (name) => end(child, name),
    stop: async () => {
      process.removeListener('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      kill()
      await ended
    },
  }
}

/** The whole group: servers have children of their own. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // It has ended.
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}
