import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { cli, tempDir } from './support.ts'

export interface Scene {
  readonly dir: string
  readonly db: string
  readonly replicaDir: string
  readonly url: string
}

/** A directory with a database of `rows` rows, and the URL of a replica that is not there yet. */
export function newScene(rows = 3): Scene {
  const dir = tempDir()
  const db = join(dir, 'app.db')
  sql(db, 'pragma journal_mode = wal', 'create table t (id integer primary key, text)')
  insert(db, rows)
  const replicaDir = join(dir, 'replica')
  return { dir, db, replicaDir, url: pathToFileURL(replicaDir).href }
}

/** The same, synced once with a snapshot: files at levels 0 and 9. */
export async function syncedScene(rows = 3): Promise<Scene> {
  const scene = newScene(rows)
  await syncOnce(scene, '-force-snapshot')
  return scene
}

export async function syncOnce(scene: Scene, ...flags: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(['replicate', '-once', ...flags, scene.db, scene.url])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

export function insert(db: string, rows: number): void {
  sql(db, ...Array.from({ length: rows }, (_, i) => `insert into t (text) values ('row ${i}')`))
}

export function sql(path: string, ...statements: readonly string[]): void {
  const db = new DatabaseSync(path, { timeout: 5000 })
  try {
    for (const statement of statements) db.exec(statement)
  } finally {
    db.close()
  }
}

/**
 * How many rows a database has; its integrity is checked on the way. It waits for locks: another process may be
 * applying a change to the file at this very moment.
 */
export function countRows(path: string): number {
  const db = new DatabaseSync(path, { timeout: 5000 })
  try {
    expect(db.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
    return (db.prepare('select count(*) as n from t').get() as { n: number }).n
  } finally {
    db.close()
  }
}
