import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished } from 'vitest'
import type { TXID } from '../../ltx/index.ts'
import { memoryReplica, type ReplicaClient } from '../../storage/index.ts'
import { restore } from '../../writer/index.ts'
import { Primary, type PrimaryOptions } from '../../writer/primary.ts'
import { Uploader } from '../../writer/uploader.ts'
import { tempDir } from '../support/temp-dir.ts'

export interface Workbench {
  readonly dir: string
  readonly path: string
  /** The application's own connection, with SQLite's defaults but for the page size. */
  readonly app: DatabaseSync
  readonly client: ReplicaClient
  readonly primary: Primary
  /** Copy and upload all that is committed. */
  replicate(): Promise<TXID>
  /** Restore the replica; the bytes of the database. */
  restored(target?: { txid?: TXID; timestamp?: number }): Promise<Buffer>
  /** The bytes that SQLite itself sees: the oracle. */
  truth(): Buffer
  /** Start anew on the same files, as after a restart of the process. */
  restartPrimary(options?: PrimaryOptions): Promise<Workbench>
}

export interface WorkbenchOptions extends PrimaryOptions {
  readonly pageSize?: number
  readonly setup?: string
  readonly client?: ReplicaClient
}

/** A database, an application that uses it, and a primary that follows it to a replica in memory, not yet opened. */
export async function workbench(options: WorkbenchOptions = {}): Promise<Workbench> {
  const dir = tempDir()
  const path = join(dir, 'app.db')
  const app = new DatabaseSync(path)
  onTestFinished(() => {
    if (app.isOpen) app.close()
  })
  app.exec(`PRAGMA page_size = ${options.pageSize ?? 4096}; ${options.setup ?? ''}; PRAGMA journal_mode = wal`)
  return attach({ dir, path, app, client: options.client ?? memoryReplica() }, options)
}

async function attach(
  base: Pick<Workbench, 'dir' | 'path' | 'app' | 'client'>,
  options: PrimaryOptions,
): Promise<Workbench> {
  const primary = new Primary(base.path, options)
  await primary.open(base.client)
  onTestFinished(() => primary.close())
  const uploader = new Uploader(base.client, primary, { l0RetentionMs: 300_000 })
  let restores = 0
  return {
    ...base,
    primary,
    async replicate() {
      await primary.sync({ complete: true })
      await uploader.upload()
      return primary.txid
    },
    async restored(target = {}) {
      const output = join(base.dir, `restored-${restores++}-${process.hrtime.bigint()}`)
      await restore(base.client, output, { ...target, integrityCheck: 'full' })
      return readFileSync(output)
    },
    truth: () => truth(base.path),
    async restartPrimary(next = options) {
      await primary.close()
      return attach(base, next)
    },
  }
}

/** Every page of a live database as a fresh SQLite connection reads it, WAL included. */
export function truth(path: string): Buffer {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return Buffer.from(db.serialize())
  } finally {
    db.close()
  }
}

/** Rows of random bytes in `t`. */
export function insertBlobs(db: DatabaseSync, rows: number, bytes: number): void {
  db.prepare(
    'INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT randomblob(?) FROM n',
  ).run(rows, bytes)
}

/** Bytes of each L0 file, in order. */
export async function fileSizes(client: ReplicaClient): Promise<number[]> {
  const sizes: number[] = []
  for await (const file of client.list(0)) sizes.push(file.size)
  return sizes
}

/** Close the writer and start it again, with all of the WAL checkpointed meanwhile: there is nothing new for it. */
export async function restartWithEverythingCheckpointed(bench: Workbench): Promise<Workbench> {
  await bench.primary.close()
  const { log, checkpointed } = bench.app.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() as Record<string, number>
  expect(checkpointed).toBe(log)
  const next = await bench.restartPrimary()
  const txid = next.primary.txid
  expect(await next.replicate(), 'nothing new').toBe(txid)
  return next
}
