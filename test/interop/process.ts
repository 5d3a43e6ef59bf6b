import { type ChildProcess, execFile, spawn } from 'node:child_process'

/** How a program ended. `output` is the tail of its standard output and error, interleaved. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

const OUTPUT_KEPT = 64 * 1024
const STOP_TIMEOUT_MS = 60_000
const STDOUT_MAX = 256 * 1024 * 1024

// A run that is interrupted leaves no replicator behind.
const living = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** Have a child killed when this process exits before it. */
export function endWithUs(child: ChildProcess): void {
  living.add(child)
  child.once('exit', () => living.delete(child))
}

/** The environment for a child: ours, without what breaks Litestream's HTTP client, plus `extra`. */
export function childEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { AWS_CA_BUNDLE: _dropped, ...rest } = process.env
  return { ...rest, ...extra }
}

/** One running program. Its output is kept for error messages; `exited` never rejects. */
export class Program {
  readonly label: string
  readonly exited: Promise<Exit>
  #child: ChildProcess
  #output = ''
  #ended: Exit | undefined

  constructor(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [file, ...args] = command
    this.label = command.join(' ')
    this.#child = spawn(file!, args, { env: childEnv(env), stdio: ['ignore', 'pipe', 'pipe'] })
    endWithUs(this.#child)
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_KEPT)
    }
    this.#child.stdout!.on('data', keep)
    this.#child.stderr!.on('data', keep)
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#ended ??= { code, signal, output: this.#output }
        resolve(this.#ended)
      }
      this.#child.once('error', (error) => {
        this.#output += error.message
        end(127, null)
      })
      this.#child.once('close', end)
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get output(): string {
    return this.#output
  }

  get running(): boolean {
    return this.#ended === undefined
  }

  /** Send `signal` and wait for the end; a program that ignores it is killed and reported. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal)
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#child.kill('SIGKILL')
    }, STOP_TIMEOUT_MS)
    const exit = await this.exited
    clearTimeout(timer)
    if (late) throw new Error(`${this.label} did not end ${STOP_TIMEOUT_MS} ms after ${signal}:\n${exit.output}`)
    return exit
  }
}

/** Run a program to its end and return its standard output. @throws when it fails, with what it printed */
export async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const [file, ...args] = command
  const options = { env: childEnv(env), maxBuffer: STDOUT_MAX }
  return new Promise((resolve, reject) => {
    execFile(file!, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      reject(new Error(`${command.join(' ')} failed (${error.code ?? error.signal}):\n${stdout}${stderr}`))
    })
  })
}
