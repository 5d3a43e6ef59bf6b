import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { DatabaseEntry, DirectoryEntry, ReplicationSettings } from '../../daemon/config/config.ts'
import { type Config, Daemon, type DaemonOptions, type DatabaseReport } from '../../daemon/index.ts'
import { memoryReplica, type ReplicaClient, StorageError, withCounting } from '../../storage/index.ts'
import { REPLICATOR_DEFAULTS, restore } from '../../writer/index.ts'
import { tempDir } from '../support/temp-dir.ts'
import { truth } from '../writer/workbench.ts'

/** Short times, so that a test sees much of a life. */
export const SETTINGS: ReplicationSettings = {
  ...REPLICATOR_DEFAULTS,
  monitorIntervalMs: 100,
  syncIntervalMs: 20,
  shutdownSyncTimeoutMs: 2000,
  shutdownSyncIntervalMs: 20,
}

/** Replicas in memory, by their path; some can be cut off. */
export class Stores {
  readonly clients = new Map<string, ReplicaClient>()
  readonly counts: { readonly total: number }[] = []
  /** Paths of replicas that fail, or never answer. */
  readonly broken = new Set<string>()
  readonly hanging = new Set<string>()

  get requests(): number {
    return this.counts.reduce((sum, { total }) => sum + total, 0)
  }

  open(path: string): ReplicaClient {
    const known = this.clients.get(path)
    if (known) return known
    const { client, counts } = withCounting(this.#faulty(path, memoryReplica()))
    this.counts.push(counts)
    this.clients.set(path, client)
    return client
  }

  #faulty(path: string, client: ReplicaClient): ReplicaClient {
    return new Proxy(client, {
      get: (target, key) => {
        if (key === 'close') return async () => {} // opened again after a restart
        const value = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        if (key !== 'list' && key !== 'write' && key !== 'open') return value.bind(target)
        return (...args: unknown[]) => {
          if (this.broken.has(path))
            throw new StorageError('STORAGE_UNREACHABLE', 'No route to the store', { retryable: true })
          if (this.hanging.has(path)) return key === 'list' ? never() : new Promise(() => {})
          return value.apply(target, args)
        }
      },
    })
  }
}

async function* never(): AsyncGenerator<never> {
  await new Promise(() => {})
}

export interface DaemonScene {
  readonly dir: string
  readonly stores: Stores
  readonly daemon: Daemon
}

export function database(path: string, changes: Partial<DatabaseEntry> = {}): DatabaseEntry {
  const replica = { type: 'file', path } as const
  return { kind: 'database', path, replica, settings: SETTINGS, restoreIfMissing: false, ...changes }
}

export function directory(dir: string, changes: Partial<DirectoryEntry> = {}): DirectoryEntry {
  const replica = { type: 'file', path: '/replica' } as const
  return {
    kind: 'directory',
    dir,
    pattern: '*.db',
    recursive: false,
    watch: false,
    replica,
    settings: SETTINGS,
    ...changes,
  }
}

export function config(databases: Config['databases'], changes: Partial<Config> = {}): Config {
  return {
    databases,
    socket: { enabled: false, path: '', permissions: 0o600 },
    levels: SETTINGS.levels,
    validationIntervalMs: 0,
    logging: { level: 'info', type: 'text', stderr: false, source: false },
    defaults: SETTINGS,
    ...changes,
  }
}

/** A daemon that is not open yet; closed at the end. */
export function newDaemon(conf: Config, options: Partial<DaemonOptions> & { stores?: Stores } = {}): DaemonScene {
  const { stores = new Stores(), ...rest } = options
  const daemon = new Daemon(conf, {
    openReplica: async (replica) => stores.open((replica as { path: string }).path),
    quietMs: 50,
    ...rest,
  })
  onTestFinished(() => daemon.close().catch(() => {}))
  return { dir: tempDir(), stores, daemon }
}

/** A database in WAL mode with one table; the connection is closed unless it is wanted. */
export function createDatabase(path: string, keepOpen = false): DatabaseSync {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = wal; CREATE TABLE t (v); INSERT INTO t VALUES (1)')
  if (keepOpen) onTestFinished(() => void (db.isOpen && db.close()))
  else db.close()
  return db
}

export function commit(path: string, value = 1): void {
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA busy_timeout = 2000; INSERT INTO t VALUES (${value})`)
  db.close()
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`Waited in vain for ${what}`)
    await delay(10)
  }
}

export function isSynced(report: DatabaseReport | undefined): boolean {
  return report !== undefined && report.txid > 0n && report.replicatedTXID >= report.txid && !report.trouble
}

/** Whether the replica restores to what SQLite sees. */
export async function isWhole(
  { stores, dir }: Pick<DaemonScene, 'stores' | 'dir'>,
  path: string,
  replica = path,
): Promise<boolean> {
  const output = join(dir, `restored-${process.hrtime.bigint()}`)
  const wanted = truth(path)
  await restore(stores.open(replica), output)
  return readFileSync(output).equals(wanted)
}
