import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { checksumPage, DatabaseChecksum, Encoder } from '../../ltx/index.ts'

/** A database's states as files, and LTX files with checksums that lead from each to the next. */
export interface TrackedFiles {
  /** Paths of database files: after 1, 2, ... transactions. */
  readonly databases: readonly string[]
  /** Paths of LTX files: the i-th makes the i-th database of the one before. */
  readonly files: readonly string[]
}

/** Statements per state: it grows, changes, and shrinks. */
const STATES = [
  ['create table t (id integer primary key, text)', "insert into t values (1, 'a'), (2, hex(zeroblob(9000)))"],
  ["update t set text = 'b' where id = 1", 'insert into t values (3, hex(randomblob(20000)))'],
  ['delete from t where id > 1', 'vacuum'],
]

/** Make them in a folder. */
export function makeTrackedFiles(dir: string, pageSize = 1024): TrackedFiles {
  const live = join(dir, 'live.db')
  const db = new DatabaseSync(live)
  db.exec(`pragma page_size = ${pageSize}`)
  const databases: string[] = []
  for (const [i, statements] of STATES.entries()) {
    for (const statement of statements) db.exec(statement)
    const path = join(dir, `state-${i + 1}.db`)
    writeFileSync(path, readFileSync(live))
    databases.push(path)
  }
  db.close()
  const files = databases.map((_, i) => encodeDifference(dir, databases, i, pageSize))
  return { databases, files }
}

function encodeDifference(dir: string, databases: readonly string[], i: number, pageSize: number): string {
  const before = i === 0 ? new Uint8Array(0) : readFileSync(databases[i - 1]!)
  const after = readFileSync(databases[i]!)
  const txid = BigInt(i + 1)
  const encoder = new Encoder({
    flags: 0,
    pageSize,
    commit: after.length / pageSize,
    minTXID: txid,
    maxTXID: txid,
    timestamp: 1_764_000_000_123 + i * 1000,
    preApplyChecksum: i === 0 ? 0n : checksumOf(before, pageSize),
    walOffset: i === 0 ? 0 : 32,
    walSize: i === 0 ? 0 : 4152,
    walSalt1: i === 0 ? 0 : 0x0abc_def1,
    walSalt2: i === 0 ? 0 : 7,
    nodeID: 0n,
  })
  for (let at = 0; at < after.length; at += pageSize) {
    const page = after.subarray(at, at + pageSize)
    if (i === 0 || !page.equals(before.subarray(at, at + pageSize))) encoder.encodePage(at / pageSize + 1, page)
  }
  encoder.finish(checksumOf(after, pageSize))
  const path = join(dir, `${i + 1}.ltx`)
  writeFileSync(path, encoder.take())
  return path
}

function checksumOf(database: Uint8Array, pageSize: number): bigint {
  const checksum = new DatabaseChecksum()
  for (let at = 0; at < database.length; at += pageSize) {
    checksum.add(checksumPage(at / pageSize + 1, database.subarray(at, at + pageSize)))
  }
  return checksum.value
}
