import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { LITESTREAM_VERSIONS, type LitestreamVersion, litestreamBinary } from './litestream.ts'
import { type Exit, Program, run } from './process.ts'

/** What both programs are called with, over and over. */
export interface Job {
  /** Path of the database file. */
  readonly db: string
  readonly url: string
  /** The store's credentials. */
  readonly env: Readonly<Record<string, string>>
  /** Absent: the program's defaults, and no config file. */
  readonly settings?: Settings
}

/** Config file values; durations in Go's spelling (facts 8.6, features 3). */
export interface Settings {
  readonly monitorInterval?: string
  readonly syncInterval?: string
  readonly levels?: readonly string[]
  readonly snapshotInterval?: string
  readonly snapshotRetention?: string
  readonly l0Retention?: string
  readonly l0RetentionCheckInterval?: string
}

export interface RestoreTarget {
  /** 16 hex digits. */
  readonly txid?: string
  /** RFC 3339. */
  readonly timestamp?: string
}

/** One row of `ltx -json` (features 2). */
export interface LtxRow {
  readonly level: number
  readonly min_txid: string
  readonly max_txid: string
  readonly size: number
  readonly timestamp: string
}

/** A replication process. */
export interface Running {
  readonly pid: number
  readonly output: string
  readonly exited: Promise<Exit>
  /** Graceful end, final sync included. @throws when the program did not end well */
  stop(): Promise<void>
  /** `kill -9` */
  kill(): Promise<void>
}

/** A program that replicates and restores: Litestream or litetap, driven only by its command line. */
export interface Replicator {
  readonly name: string
  replicate(job: Job): Running
  /** The command of `replicate`, for those who run it themselves. */
  replicateCommand(job: Job): readonly string[]
  /** `replicate -once`, with more flags. */
  once(job: Job, ...flags: readonly string[]): Promise<void>
  /** The command of a restore, for those who run it themselves. */
  restoreCommand(url: string, out: string, target?: RestoreTarget): readonly string[]
  restore(job: Pick<Job, 'url' | 'env'>, out: string, target?: RestoreTarget): Promise<void>
  ltx(job: Pick<Job, 'url' | 'env'>): Promise<readonly LtxRow[]>
}

const LITETAP_MAIN = resolve(import.meta.dirname, '../../cli/main.ts')
const LITETAP_DAEMON = resolve(import.meta.dirname, 'litetap-daemon.ts')

/** litetap from its sources, or as its users start it: a built `cli/main.js`, which is executable. */
export function litetap(main: string = LITETAP_MAIN): Replicator {
  const command = main.endsWith('.ts') ? [process.execPath, main] : [main]
  return commandLine({ name: 'litetap', command, configured: litetapDaemon })
}

/** litetap writing legacy page frames, for readers up to Litestream 0.5.15 (facts 0). */
export function litetapLegacy(main: string = LITETAP_MAIN): Replicator {
  const command = [process.execPath, main]
  const env = { LITETAP_LEGACY_FRAMES: '1' }
  return commandLine({ name: 'litetap-legacy', command, env, configured: litetapDaemon })
}

export async function litestream(version: LitestreamVersion): Promise<Replicator> {
  const binary = await litestreamBinary(version)
  return commandLine({
    name: `litestream-${version}`,
    command: [binary],
    configured: (job, settings, flags) => [binary, 'replicate', ...flags, '-config', writeConfig(job, settings)],
  })
}

/** `litetap`, `litetap-legacy`, `litestream-0.5.16` or `litestream-0.5.15`. */
export async function replicatorNamed(name: string): Promise<Replicator> {
  if (name === 'litetap') return litetap()
  if (name === 'litetap-legacy') return litetapLegacy()
  const version = LITESTREAM_VERSIONS.find((known) => name === `litestream-${known}`)
  if (version === undefined) throw new Error(`Unknown program ${name}`)
  return litestream(version)
}

interface CommandLine {
  readonly name: string
  readonly command: readonly string[]
  /** For the writing side only. */
  readonly env?: Readonly<Record<string, string>>
  /** The whole command when there are settings. */
  readonly configured: (job: Job, settings: Settings, flags: readonly string[]) => readonly string[]
}

/** litetap does not read config files yet: a small program of this suite passes the settings on. */
function litetapDaemon({ db, url }: Job, settings: Settings, flags: readonly string[]): readonly string[] {
  return [process.execPath, LITETAP_DAEMON, db, url, JSON.stringify(settings), ...flags]
}

function commandLine({ name, command, env: ownEnv = {}, configured }: CommandLine): Replicator {
  const replicateArgs = (job: Job, flags: readonly string[]) =>
    job.settings === undefined
      ? [...command, 'replicate', ...flags, job.db, job.url]
      : configured(job, job.settings, flags)
  const restoreCommand = (url: string, out: string, target: RestoreTarget = {}) => {
    const flags = Object.entries(target).flatMap(([flag, value]) => [`-${flag}`, value])
    return [...command, 'restore', ...flags, '-o', out, url]
  }
  return {
    name,
    restoreCommand,
    replicateCommand: (job) => replicateArgs(job, []),
    replicate: (job) => running(new Program(replicateArgs(job, []), { ...job.env, ...ownEnv })),
    once: async (job, ...flags) => {
      await run(replicateArgs(job, ['-once', ...flags]), { ...job.env, ...ownEnv })
    },
    restore: async ({ url, env }, out, target) => {
      await run(restoreCommand(url, out, target), env)
    },
    ltx: async ({ url, env }) => JSON.parse(await run([...command, 'ltx', '-level', 'all', '-json', url], env)),
  }
}

function running(program: Program): Running {
  return {
    pid: program.pid,
    exited: program.exited,
    get output() {
      return program.output
    },
    stop: async () => {
      const { code, signal, output } = await program.end('SIGINT')
      if (code !== 0) throw new Error(`${program.label} ended with ${code ?? signal}:\n${output}`)
    },
    kill: async () => {
      await program.end('SIGKILL')
    },
  }
}

let configs = 0

function writeConfig(job: Job, settings: Settings): string {
  const path = `${job.db}-${process.pid}-${++configs}.yml`
  writeFileSync(path, configText(job, settings))
  return path
}

function configText({ db, url }: Job, settings: Settings): string {
  const line = (indent: number, key: string, value: string | undefined) =>
    value === undefined ? [] : [`${' '.repeat(indent)}${key}: ${value}`]
  const { levels, snapshotInterval, snapshotRetention } = settings
  const lines = [
    ...(levels === undefined ? [] : ['levels:', ...levels.map((interval) => `  - interval: ${interval}`)]),
    ...((snapshotInterval ?? snapshotRetention) ? ['snapshot:'] : []),
    ...line(2, 'interval', snapshotInterval),
    ...line(2, 'retention', snapshotRetention),
    ...line(0, 'l0-retention', settings.l0Retention),
    ...line(0, 'l0-retention-check-interval', settings.l0RetentionCheckInterval),
    'dbs:',
    `  - path: ${JSON.stringify(db)}`,
    ...line(4, 'monitor-interval', settings.monitorInterval),
    '    replica:',
    `      url: ${JSON.stringify(url)}`,
    ...line(6, 'sync-interval', settings.syncInterval),
  ]
  return `${lines.join('\n')}\n`
}
