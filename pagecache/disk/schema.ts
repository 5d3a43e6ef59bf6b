import type { DatabaseSync } from 'node:sqlite'
import { FORMAT_VERSION } from './cache-folder.ts'
import { UnfitCache } from './problem.ts'

/** "ltap": tells the file from any other database. */
const APPLICATION_ID = 0x6c746170

/**
 * `used` is not a time but the highest `id` there was when the page was last read, so recency is counted in pages
 * written since: no clocks to compare between processes, and nothing to tune to how fast pages come.
 * Pages of 4 KiB: a 4 KiB row takes one overflow page and an eighth of a leaf, 13 % more than its bytes, and leaves
 * no gap when it goes. (Measured: 8 KiB pages waste 101 %, 16 KiB 34 %, 64 KiB 8 % but ten times the pause per commit.)
 */
const SCHEMA = `
  CREATE TABLE page (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL, pgno INTEGER NOT NULL,
    used INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL
  );
  CREATE UNIQUE INDEX page_name ON page (file, pgno);
  CREATE INDEX page_used ON page (used);
  CREATE TABLE blob (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sum INTEGER NOT NULL, bytes BLOB NOT NULL);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT_VERSION};`

/**
 * Set up a fresh connection, and the tables when the file is new.
 *
 * synchronous = OFF: SQLite never waits for the disk, which it would do on the reader's own thread. A process that dies
 * loses nothing by it. A machine that dies may damage the file: then the sums turn damage into misses.
 *
 * @throws UnfitCache when the file is something else; SQLite's errors
 */
export function prepareSchema(db: DatabaseSync): void {
  db.exec(`PRAGMA busy_timeout = 5; PRAGMA page_size = 4096; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;
    PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA journal_size_limit = 16777216`)
  if (isCurrent(db)) return
  db.exec('BEGIN IMMEDIATE')
  try {
    // Again, now that nobody else can be creating it.
    if (!isCurrent(db)) {
      if (numberOf(db, 'SELECT count(*) AS n FROM sqlite_schema') > 0) throw new UnfitCache('it has another format')
      db.exec(SCHEMA)
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction !== false) db.exec('ROLLBACK')
    throw error
  }
}

function isCurrent(db: DatabaseSync): boolean {
  const id = numberOf(db, 'SELECT application_id AS n FROM pragma_application_id')
  return id === APPLICATION_ID && numberOf(db, 'SELECT user_version AS n FROM pragma_user_version') === FORMAT_VERSION
}

function numberOf(db: DatabaseSync, sql: string): number {
  return Number(db.prepare(sql).get()?.n)
}
