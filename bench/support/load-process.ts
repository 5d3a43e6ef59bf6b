// The application of the benchmark: writes transactions into a database, in a process of its own (see load.ts).
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom, seededText } from '../../test/interop/workload.ts'
import type { Answer, Beat, Fill, Order } from './load.ts'
import { mark } from './marks.ts'
import { WalMeter } from './wal-meter.ts'

const [, , path, run] = process.argv as [string, string, string, string]
const db = new DatabaseSync(path)
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 60000')
const rows = Number(db.prepare('SELECT max(id) AS n FROM rows').get()!.n)
const updateText = db.prepare('UPDATE rows SET a = ? WHERE id = ?')
const updateNumber = db.prepare('UPDATE rows SET b = ? WHERE id = ?')
const insert = db.prepare('INSERT INTO rows (a, b) VALUES (?, ?)')
const setMark = db.prepare('UPDATE marks SET mark = ? WHERE id = 1')
const wal = new WalMeter(path, 4096)
const TRANSACTION_ROWS = [4, 4, 4, 4, 4, 4, 60, 60, 500]
let commits = 0

process.on('message', (order: Order) => {
  obey(order).catch((error: Error) => process.send!({ failed: error.stack } satisfies Answer))
})
process.on('disconnect', () => process.exit(0))

async function obey(order: Order): Promise<void> {
  if (order.do === 'fill') process.send!((await fill(order)) satisfies Answer)
  else if (order.do === 'beat') process.send!((await beat(order)) satisfies Answer)
  else {
    db.close()
    process.send!({ commits } satisfies Answer)
  }
}

/** Transactions of 1 to 500 rows, scattered, as fast as SQLite takes them or at `mbPerSecond` of WAL. */
async function fill({ walBytes, mbPerSecond, seed }: Fill): Promise<Answer> {
  const random = seededRandom(seed, 1)
  const started = performance.now()
  const before = wal.advance()
  let written = 0
  while (written < walBytes) {
    commit(() => change(random, 1 + random(TRANSACTION_ROWS[random(TRANSACTION_ROWS.length)]!)))
    written = wal.advance() - before
    const due = mbPerSecond === undefined ? 0 : (written / 1e6 / mbPerSecond) * 1000
    const early = due - (performance.now() - started)
    if (early > 5) await sleep(early)
  }
  return { commits, walBytes: written, seconds: (performance.now() - started) / 1000 }
}

/** Small transactions at seeded, exponentially distributed intervals. */
async function beat({ count, meanMs, seed }: Beat): Promise<Answer> {
  const random = seededRandom(seed, 2)
  const committedAt: string[] = []
  for (let i = 0; i < count; i++) {
    await sleep(Math.min(-Math.log(1 - random(1_000_000) / 1_000_000), 5) * meanMs)
    commit(() => change(random, 2))
    committedAt.push(String(process.hrtime.bigint()))
  }
  return { commits, committedAt }
}

function commit(work: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  work()
  setMark.run(mark(run, commits + 1))
  db.exec('COMMIT')
  commits++
}

function change(random: (below: number) => number, count: number): void {
  for (let i = 0; i < count; i++) {
    const id = 1 + random(rows)
    if (i % 5 === 0) updateNumber.run(random(1_000_000), id)
    else if (i % 7 === 0) insert.run(seededText(random, 200), random(1_000_000))
    else updateText.run(seededText(random, 200), id)
  }
}
