import { createHash } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

/**
 * The seeded workload. Transaction `seq` of a seed does the same to a database wherever it runs, so the state after
 * any committed prefix can be computed again. Each transaction ends with its row in `ledger(seq, kind, digest)`.
 */
export interface Workload {
  readonly seed: number
  readonly pageSize?: number
  /** Rows of the first transaction, to give the database its size. Default 200. */
  readonly baseRows?: number
  /** Kinds of transactions left out. */
  readonly without?: readonly string[]
}

type Random = (below: number) => number
type Kind = (db: DatabaseSync, random: Random, seq: number) => void

const WEIGHTED_KINDS: readonly (readonly [number, string, Kind])[] = [
  [24, 'insert', insertAccounts],
  [24, 'transfer', transfer],
  [10, 'rewrite', rewriteNotes],
  [10, 'delete', deleteAccounts],
  [12, 'grow', insertBlob],
  [8, 'shrink', deleteBlobs],
  [4, 'schema', changeSchema],
  [4, 'nothing', () => {}],
  [2, 'incremental-vacuum', (db) => db.prepare('PRAGMA incremental_vacuum(7)').all()],
  [3, 'vacuum', () => {}],
]

/** Set up an empty database: page size, auto-vacuum and WAL mode. Safe to call on one that is set up already. */
export function prepare(db: DatabaseSync, { pageSize = 4096 }: Workload): void {
  db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`)
  db.exec('PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 20000')
}

/** Commit transaction `seq` (1, 2, ...); the one before it must be committed. */
export function applyTransaction(db: DatabaseSync, workload: Workload, seq: number): void {
  const random = seededRandom(workload.seed, seq)
  const [, name, change] = seq === 1 ? [0, 'create', creation(workload)] : pick(workload, random)
  // VACUUM cannot be part of a transaction; it changes no content, so the prefix it falls in does not matter.
  if (name === 'vacuum') db.exec('VACUUM')
  db.exec('BEGIN IMMEDIATE')
  try {
    change(db, random, seq)
    appendLedger(db, seq, name)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** The kinds of transactions in a database's ledger, each once. */
export function kindsIn(db: DatabaseSync): readonly string[] {
  return db
    .prepare('SELECT DISTINCT kind FROM ledger ORDER BY kind')
    .all()
    .map(({ kind }) => String(kind))
}

/** All there are. */
export const KINDS: readonly string[] = ['create', ...WEIGHTED_KINDS.map(([, name]) => name)].toSorted()

/** Last committed transaction of a database, 0 when there is none. */
export function lastSeq(db: DatabaseSync): number {
  const created = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'ledger'").get()
  return created === undefined ? 0 : Number(db.prepare('SELECT max(seq) AS seq FROM ledger').get()!.seq)
}

/** A generator of integers below its argument, the same for the same seed and stream (mulberry32). */
export function seededRandom(seed: number, stream: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b)) >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }
}

/** Text that compresses about as well as real rows do. */
export function seededText(random: Random, length: number): string {
  let text = ''
  while (text.length < length) text += `${WORDS[random(WORDS.length)]}${random(100_000)} `
  return text.slice(0, length)
}

const WORDS = 'order invoice customer paid pending shipped address street total item colour note cancelled'.split(' ')

function pick({ without = [] }: Workload, random: Random): readonly [number, string, Kind] {
  const kinds = WEIGHTED_KINDS.filter(([, name]) => !without.includes(name))
  let point = random(kinds.reduce((sum, [weight]) => sum + weight, 0))
  for (const kind of kinds) {
    point -= kind[0]
    if (point < 0) return kind
  }
  throw new Error('No kind picked')
}

function creation({ baseRows = 200 }: Workload): Kind {
  return (db, random) => {
    db.exec(`
      CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, note TEXT NOT NULL);
      CREATE INDEX accounts_note ON accounts (note);
      CREATE TABLE blobs (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
      CREATE TABLE ledger (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL);`)
    addAccounts(db, random, baseRows)
  }
}

function insertAccounts(db: DatabaseSync, random: Random): void {
  addAccounts(db, random, 1 + random(60))
}

function addAccounts(db: DatabaseSync, random: Random, count: number): void {
  const insert = db.prepare('INSERT INTO accounts (balance, note) VALUES (?, ?)')
  for (let i = 0; i < count; i++) insert.run(random(1000), seededText(random, 20 + random(200)))
}

function transfer(db: DatabaseSync, random: Random): void {
  for (let i = 0; i < 1 + random(8); i++) {
    const [from, to, amount] = [someAccount(db, random), someAccount(db, random), random(500)]
    db.prepare('UPDATE accounts SET balance = balance - ? WHERE id = ?').run(amount, from)
    db.prepare('UPDATE accounts SET balance = balance + ? WHERE id = ?').run(amount, to)
  }
}

function rewriteNotes(db: DatabaseSync, random: Random): void {
  const update = db.prepare('UPDATE accounts SET note = ? WHERE id = ?')
  for (let i = 0; i < 20; i++) update.run(seededText(random, random(400)), someAccount(db, random))
}

function deleteAccounts(db: DatabaseSync, random: Random): void {
  const first = someAccount(db, random)
  db.prepare('DELETE FROM accounts WHERE id IN (SELECT id FROM accounts WHERE id >= ? ORDER BY id LIMIT ?)').run(
    first,
    1 + random(40),
  )
}

function someAccount(db: DatabaseSync, random: Random): SQLInputValue {
  const count = Number(db.prepare('SELECT count(*) AS n FROM accounts').get()!.n)
  return db.prepare('SELECT id FROM accounts ORDER BY id LIMIT 1 OFFSET ?').get(random(count))?.id ?? 0
}

function insertBlob(db: DatabaseSync, random: Random): void {
  const body = Buffer.alloc(1000 + random(200_000))
  for (let i = 0; i + 4 <= body.length; i += 4 + random(12)) body.writeUInt32LE(random(0xffffffff), i)
  db.prepare('INSERT INTO blobs (body) VALUES (?)').run(body)
}

function deleteBlobs(db: DatabaseSync, random: Random): void {
  db.prepare('DELETE FROM blobs WHERE id IN (SELECT id FROM blobs ORDER BY id LIMIT ?)').run(1 + random(5))
}

function changeSchema(db: DatabaseSync, random: Random, seq: number): void {
  const extras = db.prepare("SELECT name FROM sqlite_schema WHERE name GLOB 'extra_*' ORDER BY name").all()
  if (extras.length > 2) db.exec(`DROP TABLE ${extras[0]!.name}`)
  db.exec(`CREATE TABLE extra_${seq} (a TEXT PRIMARY KEY, b) WITHOUT ROWID`)
  const insert = db.prepare(`INSERT OR REPLACE INTO extra_${seq} VALUES (?, ?)`)
  for (let i = 0; i < 30; i++) insert.run(seededText(random, 30), random(1000))
}

function appendLedger(db: DatabaseSync, seq: number, kind: string): void {
  const before = db.prepare('SELECT digest FROM ledger WHERE seq = ?').get(seq - 1)?.digest ?? ''
  const { n, total, text } = db
    .prepare('SELECT count(*) n, total(balance) total, total(length(note)) text FROM accounts')
    .get()!
  const { blobs } = db.prepare('SELECT total(length(body)) blobs FROM blobs').get()!
  const digest = createHash('sha256').update([before, seq, kind, n, total, text, blobs].join('|')).digest('hex')
  db.prepare('INSERT INTO ledger VALUES (?, ?, ?)').run(seq, kind, digest)
}
